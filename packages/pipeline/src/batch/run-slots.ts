/**
 * The slots of all engines that a run uses. Whoever has files in work on them joins here: all of it together keeps to the slots
 * of an engine, and, where other runs use it too, to this run's share of them, which the database divides every second.
 */
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { HostShare, HostShares, HostWish } from "@cofi/event-log/host-shares";
import type { Run } from "@cofi/event-log/runs";
import type { StageName, WorkName } from "@cofi/event-log/stages";
import type { EngineHost } from "../runtime/runtime.js";

/** What somebody would like of one engine, and has there. */
export interface SlotWish extends Omit<HostWish, "host"> {
  isShared: boolean;
  /** Files in work now. */
  inWork: number;
}

/** Whoever has files in work on engines, which it names as {@link engineName} does. */
export interface SlotUser {
  /** A later stage waits for what it does: it is first. */
  readonly isUrgent: boolean;
  engines(): Iterable<string>;
  /** null when it does not use the engine. */
  wishOf(engine: string): SlotWish | null;
  /** So many of the slots are its own from now on; what is in work beyond that may end. */
  share(engine: string, slots: number): void;
  /** Another run has left the engine out. */
  leftOut?(engine: string, report: NonNullable<HostShare["leftOut"]>): void;
  /** It may have been told something. */
  told?(): void;
  /** The slots cannot be divided. */
  failed?(reason: unknown): void;
}

export interface RunSlotsOptions {
  shares: HostShares;
  run: Run;
  /** As that of the batch's context. */
  persist: <T>(work: () => Promise<T>) => Promise<T>;
  /** The same, which rejects when the database is away. */
  write: <T>(work: () => Promise<T>) => Promise<T>;
  /** Aborts when the batch is to stop. */
  signal: AbortSignal;
}

/** How often the slots are divided anew, in ms. */
const EVERY_MS = 1_000;

/** Of an engine that other runs use too the same for each of them; of any other one that holds when it is started again. */
export function engineName(stage: WorkName | StageName, { url, key, isShared }: EngineHost): string {
  return `${stage} ${isShared ? url : key}`;
}

export class RunSlots {
  readonly #options: RunSlotsOptions;
  readonly #users: SlotUser[] = [];
  /** By shared engine, how many of its slots are this run's. */
  readonly #given = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isNextRound = false;
  #isClosed = false;

  constructor(options: RunSlotsOptions) {
    this.#options = options;
  }

  /** Takes the first share of each of the user's engines, as long as that takes, and then, from time to time, another. */
  async join(user: SlotUser): Promise<void> {
    const place = user.isUrgent ? 0 : this.#users.length;
    this.#users.splice(place, 0, user);
    for (const engine of user.engines()) this.#divide(engine);
    try {
      if (this.#sharedEngines().length > 0) await this.#options.persist(() => this.#inTurn(() => this.#round()));
    } catch (error) {
      this.#remove(user);
      throw error;
    }
    this.#again();
  }

  /** Gives the user's slots back, as long as that takes: others wait for them. */
  async leave(user: SlotUser): Promise<void> {
    this.#remove(user);
    await this.#giveBack();
  }

  /** Ends the dividing, and gives back what is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#users.splice(0);
    await this.#giveBack();
  }

  async #giveBack(): Promise<void> {
    const { persist, signal } = this.#options;
    if (this.#given.size === 0) return;
    await persist(() => this.#inTurn(() => this.#round())).catch((error: unknown) => {
      // Those of a run that is stopped end with it.
      if (!signal.aborted) throw error;
    });
  }

  /** The user needs a slot of this engine: now, and not with the next round. */
  need(user: SlotUser, engine: string): void {
    this.#divide(engine);
    const wish = user.wishOf(engine);
    if (wish?.isShared && wish.wanted > wish.inWork) this.#soon();
  }

  /** A file has left the engine: whoever waits for its slot has it now. */
  freed(engine: string): void {
    if (!this.#users.some((user) => user.isUrgent && user.wishOf(engine) !== null)) return;
    this.#divide(engine);
    for (const [user] of this.#usesOf(engine)) user.told?.();
  }

  /** This run leaves the engine out for so long. */
  leaveOut(engine: string, forMs: number): void {
    const { shares, run } = this.#options;
    this.#tell(() => shares.leaveOut(run, engine, forMs));
  }

  /** The engine has answered this run again. */
  takeBack(engine: string): void {
    this.#tell(() => this.#options.shares.takeBack(engine));
  }

  #remove(user: SlotUser): void {
    this.#users.splice(this.#users.indexOf(user), 1);
  }

  /** Divides what this run has of an engine among its users, the urgent ones first. The sum of what they have in work does not exceed it. */
  #divide(engine: string): void {
    const uses = this.#usesOf(engine);
    let left = this.#slotsOf(engine, uses);
    const dues = uses.map(([, { wanted }], place) => {
      const due = place === uses.length - 1 ? left : Math.min(wanted, left);
      left -= due;
      return due;
    });
    // What is in work beyond what is due may end; until then the others have less.
    let beyond = uses.reduce((sum, [, { inWork }], place) => sum + Math.max(0, inWork - dues[place]!), 0);
    for (const [place, [user, { inWork }]] of uses.entries()) {
      const less = Math.min(beyond, Math.max(0, dues[place]! - inWork));
      beyond -= less;
      user.share(engine, dues[place]! - less);
    }
  }

  #slotsOf(engine: string, uses: readonly [SlotUser, SlotWish][]): number {
    if (uses.some(([, { isShared }]) => isShared)) return this.#given.get(engine) ?? 0;
    return Math.min(...uses.map(([, { slots }]) => slots));
  }

  #usesOf(engine: string): [SlotUser, SlotWish][] {
    return this.#users.flatMap((user): [SlotUser, SlotWish][] => {
      const wish = user.wishOf(engine);
      return wish === null ? [] : [[user, wish]];
    });
  }

  #sharedEngines(): string[] {
    const engines = new Set(this.#users.flatMap((user) => [...user.engines()]));
    return [...engines].filter((engine) => this.#usesOf(engine).some(([, { isShared }]) => isShared));
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#given.size === 0) return;
    this.#timer = setTimeout(() => this.#soon(), EVERY_MS);
  }

  /** Divides the slots as soon as what is under way has ended. */
  #soon(): void {
    if (this.#isNextRound || this.#isClosed) return;
    this.#isNextRound = true;
    clearTimeout(this.#timer);
    this.#tell(async () => {
      this.#isNextRound = false;
      await this.#round();
    });
    void this.#last.then(() => this.#again());
  }

  /** One after the other. While the database is away, everybody keeps what they have. */
  #tell(work: () => Promise<void>): void {
    this.#inTurn(() => this.#options.write(work)).catch((error: unknown) => {
      if (error instanceof DatabaseUnavailableError) return;
      for (const user of this.#users) user.failed?.(error);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #round(): Promise<void> {
    const { shares, run } = this.#options;
    const engines = this.#sharedEngines();
    const unused = [...this.#given.keys()].filter((engine) => !engines.includes(engine));
    for (const engine of unused) this.#given.set(engine, 0);
    const wishes = engines.map((engine): HostWish => {
      const of = this.#usesOf(engine).map(([, wish]) => wish);
      const sum = (each: (wish: SlotWish) => number): number => of.reduce((total, wish) => total + each(wish), 0);
      const held = sum((wish) => wish.held);
      // No more than that is begun before the answer is here.
      this.#given.set(engine, Math.min(this.#given.get(engine) ?? 0, held));
      this.#divide(engine);
      const slots = Math.min(...of.map((wish) => wish.slots));
      return { host: engine, slots, held, wanted: sum((wish) => wish.wanted), mayWant: sum((wish) => wish.mayWant) };
    });
    await shares.release(run, unused);
    for (const engine of unused) if (this.#usesOf(engine).length === 0) this.#given.delete(engine);
    for (const [engine, { share, leftOut }] of await shares.share(run, wishes)) {
      this.#given.set(engine, share);
      this.#divide(engine);
      if (leftOut === null || leftOut.byBatch === run.batchId) continue;
      for (const [user] of this.#usesOf(engine)) user.leftOut?.(engine, leftOut);
    }
    for (const user of this.#users) user.told?.();
  }
}
