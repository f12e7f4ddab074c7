import type { Finding, TimelineView } from "@cofi/event-log/detail/shapes";
import { useSignal, useSignalEffect } from "@preact/signals";
import { alertsOf, type Alert, type AlertSettings } from "../alerts.js";
import { number } from "../format.js";
import type { LiveState } from "../live-state.js";
import { usePolled } from "../polled.js";
import { alertSettings, takeUntold, told, zone } from "../preferences.js";

/** The bell: thresholds, what was told, and the watch that tells it, also while the page is in the background. */
export function AlertControls({ state }: { state: LiveState }) {
  const isOpen = useSignal(false);
  const fresh = useSignal(0);
  const batch = state.batch.value;
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
        onToggle={(event) => {
          isOpen.value = event.newState === "open";
          fresh.value = 0;
        }}
      >
        {isOpen.value && <Thresholds />}
      </div>
      {batch && alertSettings.value.isOn && (
        <Watch key={batch.id} batchId={batch.id} state={state} onNew={(count) => (fresh.value += count)} />
      )}
    </>
  );
}

function Watch({ batchId, state, onNew }: { batchId: number; state: LiveState; onNew: (count: number) => void }) {
  const findings = usePolled<{ findings: Finding[] }>(`api/batch/${batchId}/findings`, state, { hidden: true });
  const timeline = usePolled<TimelineView>(`api/batch/${batchId}/timeline`, state, { hidden: true });
  useSignalEffect(() => {
    const batch = state.batch.value;
    if (batch?.id !== batchId) return;
    const facts = {
      batch,
      stages: state.stages.value.map(({ summary }) => summary.value),
      findings: findings.value.data?.findings ?? [],
      timeline: timeline.value.data,
      now: state.serverNow(),
      zone: zone.value,
    };
    const untold = takeUntold(alertsOf(facts, alertSettings.value));
    for (const alert of untold) notify(alert);
    if (untold.length > 0) onNew(untold.length);
  });
  return null;
}

/** Without permission it stands in the list only. */
function notify({ key, title, body, href }: Alert): void {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  const notification = new Notification(title, { body, tag: `cofi ${key}` });
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
  const check = (name: "onFailedBatch" | "onStall", label: string) => (
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
        <strong>Tell me when something is wrong with the batch shown</strong>
      </label>
      <fieldset disabled={!settings.isOn}>
        <legend class="unseen">Thresholds</legend>
        {check("onFailedBatch", "The batch fails or is interrupted")}
        {check("onStall", "A stage, a host or a file does not get on")}
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
          It will not be done by
          <input
            type="time"
            class="button"
            value={settings.finishBy ?? ""}
            onChange={(event) => set({ finishBy: event.currentTarget.value || null })}
          />
          (empty: never)
        </label>
      </fieldset>
      <p class="soft">
        {permission.value === "granted"
          ? "Each is told once, as a notification and here, while this page is open."
          : permission.value === "denied"
            ? "This browser does not let the page notify: allow it in the site's settings. Alerts are listed here."
            : "Each is told once and listed here, while this page is open."}
      </p>
      {told.value.length > 0 && (
        <ul aria-label="Alerts told">
          {told.value.slice(0, 20).map(({ key, title, body, href }) => (
            <li key={key}>
              <a class="choice" href={href}>
                <span class="choice-name">{title}</span>
                <span class="soft">{body}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function percentOf(text: string): number | null {
  const value = Number(text);
  return text === "" || !(value >= 0 && value <= 100) ? null : value;
}
