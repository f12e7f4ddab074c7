/** What the page knows of the batch it shows: signals that the live feed writes and the components read. */
import type { Batch, Frame, LogEvent, Snapshot, StageSummary } from "@cofi/event-log/events";
import { batch as together, signal, type Signal } from "@preact/signals";
import { byStage, EMPTY_FEED, mergeEvents, replaceEvents, type Feed } from "./feed.js";

/**
 * connecting: nothing shown yet · live · reconnecting: what is shown may be old · missing: no such batch · refused: an
 * access token is needed.
 */
export type Connection = "connecting" | "live" | "reconnecting" | "missing" | "refused";

export interface Freshness {
  /** Server time of what is shown, ms since 1970. */
  asOf: number;
  /** Highest event id in what is shown. */
  head: number;
  /** `performance.now()` when it was learnt. */
  learntAt: number;
}

export interface StageState {
  readonly summary: Signal<StageSummary>;
  readonly feed: Signal<Feed>;
}

const DEFAULT_EVENTS_PER_STAGE = 20;

export class LiveState {
  readonly connection = signal<Connection>("connecting");
  /** Why it is not live, for people; empty while it is. */
  readonly reason = signal("");
  /** Set while the server says that its database cannot be reached. */
  readonly databaseProblem = signal<string | null>(null);
  readonly freshness = signal<Freshness | null>(null);
  /** While it is, everything stands still as it is; events that come are only counted. */
  readonly paused = signal(false);
  readonly waiting = signal(0);
  /** null: no batch at all; undefined: not known yet. */
  readonly batch = signal<Batch | null | undefined>(undefined);
  /** In stage order; replaced as a whole only when other stages come. */
  readonly stages = signal<readonly StageState[]>([]);
  readonly unknownStages = signal<Readonly<Record<string, number>>>({});
  #eventsPerStage = DEFAULT_EVENTS_PER_STAGE;
  #pausedAt: number | null = null;

  /** Lets the clock stand still with everything else, or go on. */
  pause(isPaused: boolean): void {
    this.#pausedAt = isPaused ? this.serverNow() : null;
    this.paused.value = isPaused;
  }

  /** Forgets the batch: another one was chosen. */
  clear(): void {
    together(() => {
      this.batch.value = undefined;
      this.stages.value = [];
      this.unknownStages.value = {};
      this.freshness.value = null;
      this.waiting.value = 0;
    });
  }

  /** A snapshot replaces everything, except that events already shown are not counted as new. */
  takeSnapshot(snapshot: Snapshot): void {
    const same = snapshot.batch !== null && this.batch.peek()?.id === snapshot.batch.id;
    const known = new Map(same ? this.stages.peek().map((state) => [state.summary.peek().stage, state]) : []);
    this.#eventsPerStage = Math.max(1, snapshot.eventsPerStage);
    this.batch.value = snapshot.batch;
    this.unknownStages.value = snapshot.unknownStages;
    this.learn(Date.parse(snapshot.asOf), snapshot.head);
    const states = snapshot.stages.map((summary) => {
      const state = known.get(summary.stage) ?? { summary: signal(summary), feed: signal(EMPTY_FEED) };
      setIfChanged(state.summary, summary);
      const events = snapshot.events[summary.stage] ?? [];
      state.feed.value = replaceEvents(state.feed.peek(), events);
      return state;
    });
    const before = this.stages.peek();
    const unchanged = before.length === states.length && before.every((state, index) => state === states[index]);
    if (!unchanged) this.stages.value = states;
  }

  /** Frames of another batch than the one shown are left aside: a snapshot of theirs follows. */
  takeFrames(frames: readonly Frame[]): void {
    const shown = this.batch.peek();
    const own = frames.filter((frame) => frame.batchId === shown?.id);
    const last = own.at(-1);
    if (!last) return;
    const events: LogEvent[] = [];
    const summaries = new Map<string, StageSummary>();
    for (const frame of own) {
      events.push(...frame.events);
      for (const summary of frame.stages) summaries.set(summary.stage, summary);
    }
    const fresh = byStage(events);
    for (const { summary, feed } of this.stages.peek()) {
      const name = summary.peek().stage;
      const newer = summaries.get(name);
      if (newer) setIfChanged(summary, newer);
      const incoming = fresh.get(name);
      if (incoming) feed.value = mergeEvents(feed.peek(), incoming, this.#eventsPerStage);
    }
    setIfChanged(this.batch, last.batch);
    setIfChanged(this.unknownStages, last.unknownStages);
    this.learn(Date.parse(last.asOf), last.head);
  }

  /** What is shown is how things were at `asOf` (server time); without a `head` nothing has come since. */
  learn(asOf: number, head = this.freshness.peek()?.head ?? 0): void {
    if (Number.isFinite(asOf)) this.freshness.value = { asOf, head, learntAt: performance.now() };
  }

  /** The server's time now, as far as known; while paused, when that began. */
  serverNow(): number {
    const freshness = this.freshness.peek();
    if (this.#pausedAt !== null) return this.#pausedAt;
    return freshness ? freshness.asOf + performance.now() - freshness.learntAt : Date.now();
  }
}

/** Summaries come again and again as equal objects; equal ones must not draw anything. */
function setIfChanged<T>(target: Signal<T>, value: T): void {
  if (JSON.stringify(target.peek()) !== JSON.stringify(value)) target.value = value;
}
