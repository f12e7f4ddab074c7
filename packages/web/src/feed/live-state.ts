/** State of the shown batch: signals that the live feed writes and the components read. */
import type { Batch, Frame, LogEvent, Snapshot, StageSummary, Work } from "@cofi/event-log/events";
import { batch as together, signal, type Signal } from "@preact/signals";
import { byStage, EMPTY_FEED, mergeEvents, replaceEvents, type Feed } from "./feed.js";

/**
 * connecting: nothing is shown yet · live · reconnecting: the shown data may be old · missing: the batch does not exist ·
 * refused: an access token is required.
 */
export type Connection = "connecting" | "live" | "reconnecting" | "missing" | "refused";

export interface Freshness {
  /** Server time of the shown data, ms since 1970. */
  asOf: number;
  /** Highest event id in the shown data. */
  head: number;
  /** `performance.now()` when the page received it. */
  learntAt: number;
}

export interface StageState {
  readonly summary: Signal<StageSummary>;
  readonly feed: Signal<Feed>;
}

const DEFAULT_EVENTS_PER_STAGE = 20;

export class LiveState {
  readonly connection = signal<Connection>("connecting");
  /** Why the feed is not live, for people; empty while it is live. */
  readonly reason = signal("");
  /** Set while the server reports that its database cannot be reached. */
  readonly databaseProblem = signal<string | null>(null);
  readonly freshness = signal<Freshness | null>(null);
  /** While paused, the page does not change and new events are only counted. */
  readonly paused = signal(false);
  readonly waiting = signal(0);
  /** Events that came while the page was not connected, when they were too many to be sent; 0 once that was read. */
  readonly missed = signal(0);
  /** null: there is no batch; undefined: not known yet. */
  readonly batch = signal<Batch | null | undefined>(undefined);
  /** Time at work of the batch; null while it is not known. */
  readonly work = signal<Work | null>(null);
  /** In stage order; a new array only when the stages themselves change. */
  readonly stages = signal<readonly StageState[]>([]);
  /** Work of the pipeline between stages. */
  readonly steps = signal<readonly StageState[]>([]);
  readonly unknownStages = signal<Readonly<Record<string, number>>>({});
  #eventsPerStage = DEFAULT_EVENTS_PER_STAGE;
  #pausedAt: number | null = null;
  /** Highest id of the events that are shown, or counted while paused. */
  #head = 0;

  /** Stops the clock with everything else, or lets it continue. */
  pause(isPaused: boolean): void {
    this.#pausedAt = isPaused ? this.serverNow() : null;
    this.paused.value = isPaused;
  }

  /** Forgets the batch, because another one was chosen. */
  clear(): void {
    together(() => {
      this.batch.value = undefined;
      this.work.value = null;
      this.stages.value = [];
      this.steps.value = [];
      this.unknownStages.value = {};
      this.freshness.value = null;
      this.waiting.value = 0;
      this.missed.value = 0;
      this.#head = 0;
    });
  }

  /** A snapshot replaces everything, except that events already shown are not counted as new. */
  takeSnapshot(snapshot: Snapshot): void {
    const same = snapshot.batch !== null && this.batch.peek()?.id === snapshot.batch.id;
    const shown = [...this.stages.peek(), ...this.steps.peek()];
    const known = new Map(same ? shown.map((state) => [state.summary.peek().stage, state]) : []);
    this.#eventsPerStage = Math.max(1, snapshot.eventsPerStage);
    this.batch.value = snapshot.batch;
    setIfChanged(this.work, snapshot.work);
    this.unknownStages.value = snapshot.unknownStages;
    this.missed.value = same ? this.missed.peek() + this.#newIn(snapshot) : 0;
    this.learn(Date.parse(snapshot.asOf), snapshot.head);
    const taken = (summary: StageSummary): StageState => {
      const state = known.get(summary.stage) ?? { summary: signal(summary), feed: signal(EMPTY_FEED) };
      setIfChanged(state.summary, summary);
      const events = snapshot.events[summary.stage] ?? [];
      state.feed.value = replaceEvents(state.feed.peek(), events);
      return state;
    };
    replaceAll(this.stages, snapshot.stages.map(taken));
    replaceAll(this.steps, snapshot.steps.map(taken));
  }

  /** Counts what comes while the page is paused. */
  count(data: Snapshot | Pick<Frame, "batchId" | "head" | "events">): void {
    const ofBatch = "batchId" in data ? data.batchId : data.batch?.id;
    if (ofBatch !== this.batch.peek()?.id) return;
    this.waiting.value +=
      "batchId" in data ? data.events.filter(({ id }) => id > this.#head).length : this.#newIn(data);
    this.#head = Math.max(this.#head, data.head);
  }

  /** Missed events of a snapshot. The server counts from below an id that may still come, so some of them may be known. */
  #newIn({ missed, head }: Snapshot): number {
    return Math.min(missed ?? 0, Math.max(0, head - this.#head));
  }

  /** Ignores frames of other batches than the shown one; a snapshot follows those. */
  takeFrames(frames: readonly Frame[]): void {
    const shown = this.batch.peek();
    const own = frames.filter((frame) => frame.batchId === shown?.id);
    const last = own.at(-1);
    if (!last) return;
    const events: LogEvent[] = [];
    const summaries = new Map<string, StageSummary>();
    for (const frame of own) {
      events.push(...frame.events);
      for (const summary of [...frame.stages, ...frame.steps]) summaries.set(summary.stage, summary);
    }
    const fresh = byStage(events);
    for (const { summary, feed } of [...this.stages.peek(), ...this.steps.peek()]) {
      const name = summary.peek().stage;
      const newer = summaries.get(name);
      if (newer) setIfChanged(summary, newer);
      const incoming = fresh.get(name);
      if (incoming) feed.value = mergeEvents(feed.peek(), incoming, this.#eventsPerStage);
    }
    setIfChanged(this.batch, last.batch);
    setIfChanged(this.work, last.work);
    setIfChanged(this.unknownStages, last.unknownStages);
    this.learn(Date.parse(last.asOf), last.head);
  }

  /** Records that the shown data is the state at `asOf` (server time). Without `head` no event has come since. */
  learn(asOf: number, head = this.freshness.peek()?.head ?? 0): void {
    this.#head = head;
    if (Number.isFinite(asOf)) this.freshness.value = { asOf, head, learntAt: performance.now() };
  }

  /** The server's current time, as far as known; while paused, the time of the pause. */
  serverNow(): number {
    const freshness = this.freshness.peek();
    if (this.#pausedAt !== null) return this.#pausedAt;
    return freshness ? freshness.asOf + performance.now() - freshness.learntAt : Date.now();
  }
}

/** Summaries arrive repeatedly as equal objects, which must not cause a render. */
function setIfChanged<T>(target: Signal<T>, value: T): void {
  if (JSON.stringify(target.peek()) !== JSON.stringify(value)) target.value = value;
}

/** Replaced as a whole only when others come. */
function replaceAll(target: Signal<readonly StageState[]>, states: readonly StageState[]): void {
  const before = target.peek();
  const unchanged = before.length === states.length && before.every((state, index) => state === states[index]);
  if (!unchanged) target.value = states;
}
