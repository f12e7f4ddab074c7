/** The chosen batch and the open event, which are in the URL. */
import { signal } from "@preact/signals";

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
