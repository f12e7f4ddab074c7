/** Views of batches as requests ask for them, and the answers that many viewers share. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Folded } from "@cofi/views/detail/replay";
import type { Tail } from "@cofi/views/tail";
import type { FocusedViews } from "../feed/focused-views.js";
import type { LiveView } from "../feed/live-view.js";
import type { LiveViews } from "../feed/live-views.js";
import { ProblemError } from "./problems.js";

/** An answer that many viewers get. */
interface Shared {
  events: number;
  madeAt: number;
  sharedMs: number;
  answer: unknown;
}

/** How long many viewers of a busy batch share an answer although new events have come: this many ms, or this multiple of its cost. */
const SHARED = { leastMs: 250, times: 5 };
/** How long an answer is shared when no events have come, in ms. Durations grow meanwhile. */
const QUIET_MS = 1_000;
/** Longest wait of a request for a batch that is being read, in ms; half of the request's own limit if that is shorter. */
const READING_MS = 5_000;

export class AskedViews {
  readonly #tail: Tail;
  readonly #views: LiveViews;
  readonly #focused: FocusedViews;
  readonly #patienceMs: number;
  /** By view, so that they end with it. */
  readonly #shared = new WeakMap<LiveView, Map<string, Shared>>();

  constructor(tail: Tail, views: LiveViews, focused: FocusedViews, requestTimeoutMs: number) {
    this.#tail = tail;
    this.#views = views;
    this.#focused = focused;
    this.#patienceMs = Math.min(READING_MS, requestTimeoutMs / 2);
  }

  /** The view of a batch with everything that was committed before the request. @throws ProblemError */
  async opened(id: number): Promise<LiveView> {
    await this.#tail.refresh();
    const share = (): number => Math.floor((this.#views.readShare(id) ?? 0) * 100);
    const view = await Promise.race([
      this.#views.open(id),
      this.#patience(() => `The events of the batch are being read, ${share()} % so far.`),
    ]);
    if (!view) throw new ProblemError("not-found", `There is no batch ${id}.`);
    return view;
  }

  /**
   * Returns the answer for this view and these parameters. It is computed again only when it may have changed; one that
   * fails is not kept.
   */
  once<T>(view: LiveView, key: string, make: (asOf: string) => T): T {
    const now = performance.now();
    const shared = this.#shared.get(view) ?? new Map<string, Shared>();
    this.#shared.set(view, shared);
    const known = shared.get(key);
    const age = known ? now - known.madeAt : Infinity;
    if (known && (age < known.sharedMs || (age < QUIET_MS && known.events === view.eventCount)))
      return known.answer as T;
    for (const [other, { madeAt, sharedMs }] of shared)
      if (now - madeAt > Math.max(QUIET_MS, sharedMs)) shared.delete(other);
    const answer = make(new Date().toISOString());
    const madeAt = performance.now();
    const sharedMs = Math.max(SHARED.leastMs, SHARED.times * (madeAt - now));
    const entry: Shared = { events: view.eventCount, madeAt, sharedMs, answer };
    shared.set(key, entry);
    if (answer instanceof Promise)
      answer.catch(() => {
        if (shared.get(key) === entry) shared.delete(key);
      });
    return answer;
  }

  /** Of the whole batch, or of the files that the cause has hit. */
  async narrowed<T>(
    { id, name, cause }: { id: number; name: string; cause: string | undefined },
    make: (view: Folded, asOf: string) => T,
  ): Promise<T> {
    const view = await this.opened(id);
    if (cause === undefined) return this.once(view, name, (asOf) => make(view, asOf));
    const { folded, asOf } = await Promise.race([
      this.#focused.of(view, cause),
      this.#patience(() => "The events of the files with this error are being read."),
    ]);
    return make(folded, asOf);
  }

  /** Limits the wait for a batch with millions of events. @throws ProblemError when the limit is over */
  async #patience(why: () => string): Promise<never> {
    await sleep(this.#patienceMs, undefined, { ref: false });
    throw new ProblemError("reading", `${why()} Ask again in a moment.`);
  }
}
