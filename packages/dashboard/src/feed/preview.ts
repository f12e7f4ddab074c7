import type { Snapshot } from "@cofi/event-log/events";

/** The state of a batch as SQL counted it. */
export class Preview {
  readonly snapshot: Snapshot;
  /** Every event up to this id is in it. */
  readonly lowWater: number;

  readonly tookMs: number;

  constructor(snapshot: Snapshot, lowWater: number, tookMs: number) {
    this.snapshot = snapshot;
    this.lowWater = lowWater;
    this.tookMs = tookMs;
  }
}
