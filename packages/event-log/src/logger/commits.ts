/**
 * When events go into the spool. Events of one turn share one commit; while the disk refuses, they wait in memory.
 *
 *     idle -> scheduled -> committing -> idle        nothing waits any more
 *                              |-> scheduled         events came at the last moment
 *                              '-> retrying -> committing     the disk refused
 *     closed from any of them, for good
 *
 * Invariant: whenever an event waits, the state is one from which a commit follows by itself.
 */
import { deadline } from "../deadline.js";
import type { StoredEvent } from "../store/event-columns.js";
import type { ProblemListener } from "./problems.js";
import type { Durability, Spool } from "./spool/spool.js";

const RETRY_MS = 500;

type State =
  | { name: "idle" }
  | { name: "scheduled"; turn: NodeJS.Immediate }
  | { name: "committing"; ended: Promise<void> }
  | { name: "retrying"; timer: NodeJS.Timeout }
  | { name: "closed" };

interface Waiting {
  event: StoredEvent;
  bytes: number;
  /** True: the event is acknowledged. False: it is lost. */
  settle: (isAcknowledged: boolean) => void;
  settled: Promise<boolean>;
}

export interface CommitsOptions {
  spool: Spool;
  durability: Durability;
  /** There is something new in the spool. */
  onCommitted: () => void;
  /** Must not throw. */
  onProblem: ProblemListener;
}

export class Commits {
  readonly #options: CommitsOptions;
  #state: State = { name: "idle" };
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #diskRefuses = false;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** Of the long texts of the events that wait in memory. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** @returns true once the event is acknowledged, false when it is lost: logged after `close()`, or never written. Never rejects. */
  add(event: StoredEvent): Promise<boolean> {
    if (this.#state.name === "closed") {
      const message = `An event of ${event.stage} came after close() and is lost.`;
      this.#options.onProblem({ kind: "spool", message, cause: null });
      return Promise.resolve(false);
    }
    let settle!: (isAcknowledged: boolean) => void;
    const settled = new Promise<boolean>((resolve) => (settle = resolve));
    const bytes = (event.payload?.length ?? 0) + (event.response?.length ?? 0) + (event.metadata?.length ?? 0);
    this.#waiting.push({ event, bytes, settle, settled });
    this.#waitingBytes += bytes;
    if (this.#state.name === "idle") this.#schedule();
    return settled;
  }

  /** @returns true once every event added so far is acknowledged; false when one is lost, or after `timeoutMs` */
  async allAcknowledged(timeoutMs: number): Promise<boolean> {
    // Events are settled in order.
    const last = this.#waiting.at(-1);
    if (!last) return this.#state.name !== "closed";
    void this.#commitNow();
    return deadline(last.settled, timeoutMs, () => false);
  }

  /**
   * Tries once more to write what waits, for at most `timeoutMs`, then settles every promise. Idempotent.
   * @returns how many events are lost
   */
  async close(timeoutMs: number): Promise<number> {
    await deadline(this.#commitNow(), timeoutMs, () => undefined);
    this.#cancel();
    this.#state = { name: "closed" };
    const lost = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    for (const { settle } of lost) settle(false);
    if (lost.length > 0) {
      const events = lost.length === 1 ? "1 event" : `${lost.length} events`;
      const message = `${events} could not be written to ${this.#options.spool.path} before the logger was closed, and may be lost.`;
      this.#options.onProblem({ kind: "spool", message, cause: null });
    }
    return lost.length;
  }

  #schedule(): void {
    this.#state = { name: "scheduled", turn: setImmediate(() => void this.#commit()) };
  }

  /** Commits without waiting for the turn or the retry; a commit under way is waited for. */
  #commitNow(): Promise<void> {
    if (this.#state.name === "committing") return this.#state.ended;
    if (this.#state.name === "idle" || this.#state.name === "closed") return Promise.resolve();
    this.#cancel();
    return this.#commit();
  }

  #cancel(): void {
    if (this.#state.name === "scheduled") clearImmediate(this.#state.turn);
    if (this.#state.name === "retrying") clearTimeout(this.#state.timer);
  }

  #commit(): Promise<void> {
    const state: State = { name: "committing", ended: Promise.resolve() };
    this.#state = state;
    state.ended = this.#writeAndSettle(state);
    return state.ended;
  }

  async #writeAndSettle(state: State): Promise<void> {
    const isWritten = await this.#write();
    // Closed meanwhile: everything is settled.
    if (this.#state !== state) return;
    if (!isWritten) this.#state = { name: "retrying", timer: setTimeout(() => void this.#commit(), RETRY_MS) };
    else if (this.#waiting.length > 0) this.#schedule();
    else this.#state = { name: "idle" };
  }

  /** Never rejects. @returns false when the disk refuses what is left */
  async #write(): Promise<boolean> {
    const { spool, durability, onCommitted } = this.#options;
    const state = this.#state;
    try {
      while (this.#waiting.length > 0) {
        const written = spool.append(this.#waiting.map(({ event }) => event));
        if (durability === "power") await spool.sync();
        if (this.#state !== state) return true;
        this.#diskRefuses = false;
        for (const { settle, bytes } of this.#waiting.splice(0, written)) {
          this.#waitingBytes -= bytes;
          settle(true);
        }
        onCommitted();
      }
      return true;
    } catch (error) {
      if (!this.#diskRefuses && this.#state === state) {
        const reason = (error as Error).message;
        const message = `The event spool ${spool.path} cannot be written: ${reason}. Events wait in memory; free some disk space.`;
        this.#options.onProblem({ kind: "spool", message, cause: error });
      }
      this.#diskRefuses = true;
      return false;
    }
  }
}
