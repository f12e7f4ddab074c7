/** The chosen batch, and the open event with the part of it that is looked at, which are in the URL. */
import { batch as together, signal } from "@preact/signals";

function batchInUrl(): number | null {
  const text = new URLSearchParams(location.search).get("batch");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

export type EventPart = "payload" | "response";

function eventInUrl(): { id: number | null; part: EventPart | null } {
  const [, id, part] = /^#event=(\d{1,15})(?:&part=(payload|response))?$/.exec(location.hash) ?? [];
  return { id: id === undefined ? null : Number(id), part: (part as EventPart | undefined) ?? null };
}

/** The chosen batch; null follows the newest one. */
export const chosenBatch = signal(batchInUrl());
/** The batch on the page; null while there is none. */
export const shownBatch = signal<number | null>(null);
/** The event whose dialog is open. */
export const openEvent = signal(eventInUrl().id);
/** The part at which the dialog opens; null: its top. */
export const openPart = signal(eventInUrl().part);

/** True until the dialog is closed and the focus is back on its row; the lists do not move meanwhile. */
export const isDialogUp = signal(false);

/** Updates the signals after a change of the URL. */
export function readUrl(): void {
  chosenBatch.value = batchInUrl();
  const { id, part } = eventInUrl();
  together(() => {
    openPart.value = part;
    openEvent.value = id;
  });
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

/** Opens the dialog of an event at a part of it, or shows the event in the open dialog; the back button closes it. */
export function showEvent(id: number, part: EventPart | null = null): void {
  const isOpen = openEvent.peek() !== null;
  const url = `${location.pathname}${location.search}#event=${id}${part === null ? "" : `&part=${part}`}`;
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
