import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Preview } from "./preview.js";

/** A view that is being replayed: what the tail passes on meanwhile waits here. */
export interface Loading {
  events: LogEvent[];
  batch: Batch | null;
  /** Settles with the first preview, if the batch turns out to need one. */
  preview: Promise<Preview>;
  offer: (preview: Promise<Preview>) => void;
  /** The newest one that was asked for. */
  latest: Promise<Preview> | null;
  /** Of its events, read so far. */
  share: number;
}

export function newLoading(): Loading {
  let offer: Loading["offer"] = () => undefined;
  const preview = new Promise<Preview>((resolve) => (offer = resolve));
  // Told to those who wait for it, if anybody does.
  preview.catch(() => undefined);
  return { events: [], batch: null, preview, offer, latest: null, share: 0 };
}
