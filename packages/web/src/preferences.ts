/** What the viewer chose: the look and the time zone (kept in this browser), the batch and the open event (kept in the URL). */
import { effect, signal } from "@preact/signals";
import type { Zone } from "./format.js";

export type Theme = "auto" | "light" | "dark";

function stored<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  try {
    const value = localStorage.getItem(key);
    return allowed.find((candidate) => candidate === value) ?? fallback;
  } catch {
    // Storage is switched off in this browser: the choice then lasts as long as the page.
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

export const theme = signal<Theme>(stored("cofi.theme", ["auto", "light", "dark"], "auto"));
export const zone = signal<Zone>(stored("cofi.zone", ["local", "utc"], "local"));

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  store("cofi.theme", theme.value);
});
effect(() => store("cofi.zone", zone.value));

function batchInUrl(): number | null {
  const text = new URLSearchParams(location.search).get("batch");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function eventInUrl(): number | null {
  const text = /^#event=(\d{1,15})$/.exec(location.hash)?.[1];
  return text === undefined ? null : Number(text);
}

/** The batch asked for; null follows the newest. */
export const chosenBatch = signal(batchInUrl());
/** The event whose dialog is open. */
export const openEvent = signal(eventInUrl());

/** Until the dialog is closed and the focus is back on its row: the lists keep still so long. */
export const isDialogUp = signal(false);

function readUrl(): void {
  chosenBatch.value = batchInUrl();
  openEvent.value = eventInUrl();
}
addEventListener("popstate", readUrl);
addEventListener("hashchange", readUrl);

export function chooseBatch(id: number | null): void {
  const url = new URL(location.href);
  url.hash = "";
  // Filters and files are those of one batch.
  const view = url.searchParams.get("view");
  url.search = "";
  if (id !== null) url.searchParams.set("batch", String(id));
  if (view !== null) url.searchParams.set("view", view);
  history.pushState(null, "", url);
  readUrl();
}

/** Opens the dialog of an event, or moves an open one on; the back button closes it. */
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
