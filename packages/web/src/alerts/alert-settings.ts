/** The thresholds of alerts and the alerts that were reported, both stored in this browser. */
import { effect, signal } from "@preact/signals";
import { store, storedJson } from "../choices/storage.js";
import { DEFAULT_ALERTS, type Alert, type AlertSettings } from "./alerts.js";

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
