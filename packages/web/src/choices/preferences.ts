/** Choices of the viewer that this browser stores: theme and time zone. */
import { effect, signal } from "@preact/signals";
import { isZone, type Zone } from "../text/zones.js";
import { store, stored } from "./storage.js";

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
