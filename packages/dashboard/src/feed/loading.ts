import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Preview } from "./preview.js";

/** A view that is being replayed; events that the tail delivers meanwhile wait here. */
export interface Loading {
  events: LogEvent[];
  batch: Batch | null;
  /** Settles with the first preview, if the batch turns out to need one. */
  preview: Promise<Preview>;
  offer: (preview: Promise<Preview>) => void;
  /** The newest preview that was requested. */
  latest: Promise<Preview> | null;
  /** Share of its events that has been read, 0 to 1. */
  share: number;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

/** ms that reading the rest will take, as far as the part that has been read tells. */
export function remainingMs({ share, startedAt }: Loading): number {
  return share === 0 ? Infinity : ((performance.now() - startedAt) * (1 - share)) / share;
}

export function newLoading(): Loading {
  let offer: Loading["offer"] = () => undefined;
  const preview = new Promise<Preview>((resolve) => (offer = resolve));
  // Callers that wait for the preview get the error; without such callers nobody needs it.
  preview.catch(() => undefined);
  return { events: [], batch: null, preview, offer, latest: null, share: 0, startedAt: performance.now() };
}
