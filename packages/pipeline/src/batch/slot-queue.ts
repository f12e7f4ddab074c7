/** Work on a file now and then that is no stage of its own: it waits for a slot of its engine, whoever came first is next. */
import type { StageName } from "@cofi/event-log/stages";
import type { EngineHost } from "../runtime/runtime.js";
import { engineName, type RunSlots, type SlotUser, type SlotWish } from "./run-slots.js";

interface Queue {
  slots: number;
  isShared: boolean;
  inWork: number;
  readonly waiting: Set<() => void>;
}

export class SlotQueue implements SlotUser {
  readonly isUrgent = true;
  readonly #stage: StageName;
  readonly #slots: RunSlots;
  /** By engine; none where nothing waits and nothing is in work. */
  readonly #queues = new Map<string, Queue>();

  /** `stage`: whose engines do the work. */
  constructor(stage: StageName, slots: RunSlots) {
    this.#stage = stage;
    this.#slots = slots;
  }

  /** Waits for a slot of the host. @returns what gives it back; idempotent. @throws the signal's reason */
  async take(host: EngineHost, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const engine = engineName(this.#stage, host);
    const queue = this.#queueOf(engine, host);
    let leave!: () => void;
    const turn = new Promise<void>((resolve, reject) => {
      queue.waiting.add(resolve);
      leave = () => void (queue.waiting.delete(resolve) && reject(signal.reason as Error));
    });
    signal.addEventListener("abort", leave, { once: true });
    this.#slots.need(this, engine);
    try {
      await turn;
    } finally {
      signal.removeEventListener("abort", leave);
      this.#forgetIdle(engine, queue);
    }
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      queue.inWork -= 1;
      this.#slots.freed(engine);
      this.#forgetIdle(engine, queue);
    };
  }

  engines(): Iterable<string> {
    return this.#queues.keys();
  }

  wishOf(engine: string): SlotWish | null {
    const queue = this.#queues.get(engine);
    if (!queue) return null;
    const { slots, isShared, inWork, waiting } = queue;
    const wanted = inWork + waiting.size;
    return { slots, isShared, wanted, mayWant: wanted, held: inWork, inWork };
  }

  share(engine: string, slots: number): void {
    const queue = this.#queues.get(engine)!;
    for (const come of queue.waiting) {
      if (queue.inWork >= slots) return;
      queue.waiting.delete(come);
      queue.inWork += 1;
      come();
    }
  }

  #queueOf(engine: string, { slots, isShared = false }: EngineHost): Queue {
    const known = this.#queues.get(engine) ?? { slots, isShared, inWork: 0, waiting: new Set() };
    known.slots = slots;
    this.#queues.set(engine, known);
    return known;
  }

  #forgetIdle(engine: string, { inWork, waiting }: Queue): void {
    if (inWork === 0 && waiting.size === 0) this.#queues.delete(engine);
  }
}
