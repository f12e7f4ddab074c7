import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { AlertWatch, MOST_RUNNING } from "./alert-watch.js";
import { alertsOf, type Alert, type AlertSettings } from "./alerts.js";
import { number, zoneName } from "../text/format.js";
import { rowsBy, useHeld } from "../shared/held.js";
import type { LiveState } from "../feed/live-state.js";
import { alertSettings, reported, takeUnreported } from "./alert-settings.js";
import { zone } from "../choices/preferences.js";
import { Message } from "../shared/name.js";
import { visible } from "../text/names.js";

const MOST_LISTED = 20;
const ROWS = rowsBy<Alert>(({ key }) => key);

/** The button for alerts with its popover, and the watch that reports alerts even while the page is paused or in the background. */
export function AlertControls({ state }: { state: LiveState }) {
  const isOpen = useSignal(false);
  const fresh = useSignal(0);
  return (
    <>
      <button
        type="button"
        class="button quiet pause"
        popovertarget="alerts"
        aria-haspopup="dialog"
        data-testid="alerts"
        title={alertSettings.value.isOn ? "Alerts are on" : "Alerts are off"}
      >
        Alerts{alertSettings.value.isOn ? (fresh.value > 0 ? ` (${number(fresh.value)})` : " on") : ""}
      </button>
      <div
        id="alerts"
        class="picker alerts"
        popover="auto"
        role="dialog"
        aria-label="Alerts"
        // Before it opens: a popover that is filled later would let a quick Tab pass it by.
        onBeforeToggle={(event) => {
          if (event.newState === "open") isOpen.value = true;
        }}
        onToggle={(event) => {
          isOpen.value = event.newState === "open";
          fresh.value = 0;
        }}
      >
        {isOpen.value && <Thresholds />}
      </div>
      {alertSettings.value.isOn && <Watch state={state} onNew={(count) => (fresh.value = fresh.peek() + count)} />}
    </>
  );
}

function Watch({ state, onNew }: { state: LiveState; onNew: (count: number) => void }) {
  const watch = useMemo(() => new AlertWatch(state.serverNow()), []);
  const shownId = useComputed(() => state.batch.value?.id ?? null);
  useSignalEffect(() => {
    const controller = new AbortController();
    void watch.run(shownId.value, () => alertSettings.peek(), controller.signal);
    return () => controller.abort();
  });
  useSignalEffect(() => {
    const alerts = watch.facts.value.flatMap((facts) => alertsOf(facts, alertSettings.value, zone.value));
    const unreported = takeUnreported(alerts);
    for (const alert of unreported) notify(alert);
    if (unreported.length > 0) onNew(unreported.length);
  });
  return null;
}

/** Shows a notification if the browser permits it. Browsers of phones refuse those of a page; the alert is then in the list only. */
function notify({ key, title, body, href }: Alert): void {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  let notification: Notification;
  try {
    notification = new Notification(visible(title), { body: visible(body), tag: `cofi ${key}` });
  } catch {
    return;
  }
  notification.addEventListener("click", () => {
    focus();
    location.assign(href);
  });
}

function Thresholds() {
  const settings = alertSettings.value;
  const permission = useSignal("Notification" in globalThis ? Notification.permission : "unsupported");
  const set = (patch: Partial<AlertSettings>): void => {
    alertSettings.value = { ...alertSettings.peek(), ...patch };
  };
  const turn = async (isOn: boolean): Promise<void> => {
    set({ isOn });
    if (isOn && permission.peek() === "default") permission.value = await Notification.requestPermission();
  };
  const check = (name: "onFailedBatch" | "onStall" | "onTrouble", label: string) => (
    <label>
      <input
        type="checkbox"
        checked={settings[name]}
        onChange={(event) => set({ [name]: event.currentTarget.checked })}
      />
      {label}
    </label>
  );
  return (
    <div class="alerts-body">
      <label>
        <input type="checkbox" checked={settings.isOn} onChange={(event) => void turn(event.currentTarget.checked)} />
        <strong>Tell me when something is wrong with a batch</strong>
      </label>
      <fieldset disabled={!settings.isOn}>
        <legend class="unseen">Thresholds</legend>
        {check("onFailedBatch", "It fails, is interrupted, or gives no sign of life")}
        {check("onStall", "A stage or host is stalled, or a file is slow")}
        {check("onTrouble", "Files are lost, or a host fails")}
        <label>
          More than
          <input
            type="number"
            min="0"
            max="100"
            step="any"
            class="button"
            value={settings.errorPercent ?? ""}
            onChange={(event) => set({ errorPercent: percentOf(event.currentTarget.value) })}
          />
          % of the file steps failed (empty: never)
        </label>
        <label>
          It will finish later than
          <input
            type="time"
            class="button"
            value={settings.finishBy ?? ""}
            onChange={(event) => set({ finishBy: event.currentTarget.value || null })}
          />
          {zoneName(zone.value, new Date())} (empty: never)
        </label>
      </fieldset>
      <p class="soft">
        The batch shown and the {MOST_RUNNING} newest that run are watched, also while the page is paused.
      </p>
      <p class="soft">
        {permission.value === "granted"
          ? "Each alert appears once, as a notification and in this list, while this page is open."
          : permission.value === "denied"
            ? "This browser does not let the page notify: allow it in the site's settings. Alerts are listed here."
            : "Each alert appears once in this list, while this page is open."}
      </p>
      <RecentAlerts />
    </div>
  );
}

function RecentAlerts() {
  const latest = reported.value.slice(0, MOST_LISTED);
  const { shown, isBehind, release, hold } = useHeld<readonly Alert[]>("alerts", latest, ROWS.moves, ROWS.update);
  if (shown.length === 0) return null;
  return (
    <div {...hold}>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-alerts">
          {ROWS.news(shown, latest)}
        </button>
      )}
      <ul aria-label="Recent alerts">
        {shown.map(({ key, title, body, href }) => (
          <li key={key}>
            <a class="choice" href={href}>
              <span class="choice-name">
                <Message text={title} />
              </span>
              <span class="soft">
                <Message text={body} />
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function percentOf(text: string): number | null {
  const value = Number(text);
  return text === "" || !(value >= 0 && value <= 100) ? null : value;
}
