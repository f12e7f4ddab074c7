/** Choices of the viewer: theme, time zone and alerts (stored in this browser), batch and open event (in the URL). */
import { effect, signal } from "@preact/signals";
import { DEFAULT_ALERTS, type Alert, type AlertSettings } from "./alerts.js";
import { isZone, type Zone } from "./zones.js";

function stored<T extends string>(key: string, isOne: (value: string) => value is T, fallback: T): T {
  try {
    const value = localStorage.getItem(key);
    return value !== null && isOne(value) ? value : fallback;
  } catch {
    // This browser has storage switched off, so the choice lasts as long as the page.
    return fallback;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const isTheme = (value: string): value is Theme => THEMES.some((known) => known === value);

export const theme = signal<Theme>(stored("cofi.theme", isTheme, "auto"));
/** A zone that this browser does not know counts as not chosen. */
export const zone = signal<Zone>(stored("cofi.zone", isZone, "local"));

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  store("cofi.theme", theme.value);
});
effect(() => store("cofi.zone", zone.value));

function storedJson<T>(key: string, isOne: (value: unknown) => value is T, fallback: T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return isOne(value) ? value : fallback;
  } catch {
    // As above, or written by another version.
    return fallback;
  }
}

const alertsBefore = (): AlertSettings => ({
  ...DEFAULT_ALERTS,
  ...storedJson(
    "cofi.alerts",
    (value): value is Partial<AlertSettings> => typeof value === "object" && value !== null,
    {},
  ),
});
export const alertSettings = signal(alertsBefore());
effect(() => store("cofi.alerts", JSON.stringify(alertSettings.value)));

const REPORTED_KEY = "cofi.told";
const MOST_REPORTED = 200;
const reportedBefore = (): Alert[] => storedJson(REPORTED_KEY, (value): value is Alert[] => Array.isArray(value), []);
/** Alerts that a page of this browser has reported, newest first. */
export const reported = signal(reportedBefore());

/** Returns the alerts that no page of this browser has reported yet, and marks them as reported. */
export function takeUnreported(alerts: readonly Alert[]): Alert[] {
  if (alerts.length === 0) return [];
  // Without storage a page knows only of the alerts that it reported itself.
  const known = new Map([...reportedBefore(), ...reported.peek()].map((alert) => [alert.key, alert]));
  const unreported = alerts.filter(({ key }) => !known.has(key));
  if (unreported.length === 0) return [];
  reported.value = [...unreported, ...known.values()].slice(0, MOST_REPORTED);
  store(REPORTED_KEY, JSON.stringify(reported.value));
  return unreported;
}

/** Other pages of this browser report alerts and set thresholds, too. */
addEventListener("storage", ({ key }) => {
  if (key === REPORTED_KEY) reported.value = reportedBefore();
  if (key === "cofi.alerts") alertSettings.value = alertsBefore();
});

function batchInUrl(): number | null {
  const text = new URLSearchParams(location.search).get("batch");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function eventInUrl(): number | null {
  const text = /^#event=(\d{1,15})$/.exec(location.hash)?.[1];
  return text === undefined ? null : Number(text);
}

/** The chosen batch; null follows the newest one. */
export const chosenBatch = signal(batchInUrl());
/** The batch on the page; null while there is none. */
export const shownBatch = signal<number | null>(null);
/** The event whose dialog is open. */
export const openEvent = signal(eventInUrl());

/** True until the dialog is closed and the focus is back on its row; the lists do not move meanwhile. */
export const isDialogUp = signal(false);

/** Updates the signals after a change of the URL. */
export function readUrl(): void {
  chosenBatch.value = batchInUrl();
  openEvent.value = eventInUrl();
}
addEventListener("popstate", readUrl);
addEventListener("hashchange", readUrl);

export function chooseBatch(id: number | null): void {
  const url = new URL(location.href);
  url.hash = "";
  // Filters and files belong to one batch.
  const view = url.searchParams.get("view");
  url.search = "";
  if (id !== null) url.searchParams.set("batch", String(id));
  // A choice from the list of all batches opens the batch itself.
  if (view !== null && view !== "batches") url.searchParams.set("view", view);
  history.pushState(null, "", url);
  readUrl();
}

/** Opens the dialog of an event, or shows the event in the open dialog; the back button closes it. */
export function showEvent(id: number): void {
  const isOpen = openEvent.peek() !== null;
  const url = `${location.pathname}${location.search}#event=${id}`;
  if (isOpen) history.replaceState(history.state, "", url);
  else history.pushState({ cofiDialog: true }, "", url);
  readUrl();
}

export function closeEvent(): void {
  if (openEvent.peek() === null) return;
  const state = history.state as { cofiDialog?: boolean } | null;
  if (state?.cofiDialog) return history.back();
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  readUrl();
}
