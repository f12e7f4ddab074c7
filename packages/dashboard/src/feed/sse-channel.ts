/**
 * The readers of one batch. Changes are collected, serialised and compressed once, and the same Buffer is written to all
 * readers: at once if the last frame is long ago, else after a pause that depends on the cost of a frame.
 */
import { STAGES, STEPS } from "@cofi/event-log/stages";
import type { Frame, LogEvent, Snapshot, StageSummary } from "@cofi/event-log/events";
import { effectiveBatch } from "@cofi/views/batch-state";
import { snapshotOf, stageSummary, type BatchView } from "@cofi/views/projection";
import type { LiveView, ViewChange } from "./live-view.js";
import { SseMessage } from "./sse-message.js";
import type { SseReader } from "./sse-reader.js";

/** Most events in a frame; more events are split into several frames. */
export const EVENTS_PER_FRAME = 500;
/**
 * The pause after a frame as a multiple of its cost, which includes the writes to the sockets. A few readers get frames as
 * fast as the database is read; 5,000 readers get ten a second, which takes half a core.
 */
const PAUSE_PER_COST = 2;
const PAUSE_MS = { least: 10, most: 50 };
const SNAPSHOT_SHARED_MS = 500;

/** A frame without changed summaries. */
export function bareFrame(view: BatchView, events: LogEvent[]): Frame {
  return {
    batchId: view.batch.id,
    events,
    stages: [],
    steps: [],
    batch: effectiveBatch(view),
    unknownStages: view.unknownStages,
    work: view.work.work,
    asOf: new Date().toISOString(),
    head: view.head,
  };
}

export class SseChannel {
  readonly view: LiveView;
  readonly #lowWater: () => number;
  readonly #readers = new Set<SseReader>();
  readonly #release: () => void;
  #events: LogEvent[] = [];
  #batchChanged = false;
  /** Earliest time of the next frame, by `performance.now()`. */
  #nextFrameAt = -Infinity;
  #isClosed = false;
  #timer: NodeJS.Timeout | null = null;
  /** Many readers connect at once after a restart, so they share one snapshot. */
  #shared: { snapshot: Snapshot; lowWater: number; madeAt: number; messages: Map<number | null, SseMessage> } | null =
    null;

  constructor(view: LiveView, lowWater: () => number) {
    this.view = view;
    this.#lowWater = lowWater;
    this.#release = view.hold((change) => this.#changed(change));
  }

  get size(): number {
    return this.#readers.size;
  }

  /**
   * Returns the current view, which includes pending events: call {@link flush} first so that no reader gets them twice.
   * @param missed how many events the reader has missed and does not get
   */
  snapshot(missed: number | null = null): SseMessage {
    const now = performance.now();
    if (!this.#shared || now - this.#shared.madeAt > SNAPSHOT_SHARED_MS) {
      const snapshot = snapshotOf(this.view.current, new Date().toISOString());
      this.#shared = { snapshot, lowWater: this.#lowWater(), madeAt: now, messages: new Map() };
    }
    const { snapshot, lowWater, messages } = this.#shared;
    let message = messages.get(missed);
    if (!message) {
      message = SseMessage.event("snapshot", missed === null ? snapshot : { ...snapshot, missed }, lowWater);
      messages.set(missed, message);
    }
    return message;
  }

  add(reader: SseReader): void {
    this.#readers.add(reader);
  }

  remove(reader: SseReader): void {
    this.#readers.delete(reader);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#release();
  }

  /** Sends the changes since the last frame. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#events.length === 0 && !this.#batchChanged) return;
    const events = this.#events;
    this.#events = [];
    this.#batchChanged = false;
    if (this.#readers.size === 0) return;
    const started = performance.now();
    const view = this.view.current;
    const touched = new Set(events.map((event) => event.stage));
    const changed = (among: readonly { name: string }[]): StageSummary[] =>
      among.filter(({ name }) => touched.has(name)).map(({ name }) => stageSummary(view, name));
    const [stages, steps] = [changed(STAGES), changed(STEPS)];
    const last = Math.max(0, Math.ceil(events.length / EVENTS_PER_FRAME) - 1);
    for (let part = 0; part <= last; part++) {
      const slice = events.slice(part * EVENTS_PER_FRAME, (part + 1) * EVENTS_PER_FRAME);
      // Only the last part may carry the id: a reader that is disconnected between two parts must get both again.
      const frame = { ...bareFrame(view, slice), ...(part === last ? { stages, steps } : {}) };
      const message = SseMessage.event("events", frame, part === last ? this.#lowWater() : undefined);
      for (const reader of this.#readers) reader.send(message);
    }
    this.#nextFrameAt = Infinity;
    // Node writes to the sockets when this turn is over.
    setImmediate(() => {
      const now = performance.now();
      const pause = (now - started) * PAUSE_PER_COST;
      this.#nextFrameAt = now + Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, pause));
      this.#schedule();
    });
  }

  #changed({ events, isRefolded }: ViewChange): void {
    this.#shared = null;
    if (isRefolded) {
      // What has become history is no news any more.
      const { runs } = this.view.current;
      this.#events = this.#events.filter(({ run, id }) => !runs.isHistory(run, id));
      this.flush();
      for (const reader of this.#readers) reader.send(this.snapshot());
      return;
    }
    this.#events.push(...events);
    if (events.length === 0) this.#batchChanged = true;
    this.#schedule();
  }

  #schedule(): void {
    const isWaiting = this.#events.length > 0 || this.#batchChanged;
    if (!isWaiting || this.#timer || this.#isClosed || this.#nextFrameAt === Infinity) return;
    const wait = this.#nextFrameAt - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer = setTimeout(() => this.flush(), wait);
  }
}
