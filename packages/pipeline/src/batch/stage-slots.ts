/** The slots of the hosts of a stage: its pool is told how many it has, and which hosts other runs have left out. */
import type { HostShare } from "@cofi/event-log/host-shares";
import type { WorkName } from "@cofi/event-log/stages";
import type { HostChange, HostPool } from "../pool/host-pool.js";
import { isLeftOut, type HostState } from "../pool/host-state.js";
import type { NamedHost } from "./named-hosts.js";
import { engineName, type RunSlots, type SlotUser, type SlotWish } from "./run-slots.js";

export interface StageSlotsOptions {
  stage: WorkName;
  slots: RunSlots;
  pool: HostPool;
  /** By their places in the pool. More may come. */
  hosts: readonly NamedHost[];
  /** The pool was told something. */
  told: () => void;
  failed: (reason: unknown) => void;
}

export class StageSlots implements SlotUser {
  readonly isUrgent = false;
  readonly #options: StageSlotsOptions;
  /** By engine, the place of its host. */
  readonly #places = new Map<string, number>();
  #known = 0;
  /** By place, the last report that the pool was told of. */
  readonly #heardOf = new Map<number, string>();

  constructor(options: StageSlotsOptions) {
    this.#options = options;
  }

  /** As {@link RunSlots.join}. */
  begin(): Promise<void> {
    return this.#options.slots.join(this);
  }

  /** As {@link RunSlots.leave}. */
  end(): Promise<void> {
    return this.#options.slots.leave(this);
  }

  /** A host has taken a step. */
  changed({ host, from, to, isReported }: HostChange): void {
    const { slots, pool } = this.#options;
    const engine = this.#engineAt(host);
    if (engine === null || !this.#options.hosts[host]?.engine?.isShared || isReported) return;
    const { pausedUntil, unfit } = pool.stateOf(host);
    // Others may be set up in another way.
    if (unfit !== null) return;
    const forMs = pausedUntil - performance.now();
    if (to === "ejected" && forMs > 0) slots.leaveOut(engine, forMs);
    else if (to === "healthy" && from !== "joining") slots.takeBack(engine);
  }

  /** A file has left the host: others may have waited for its slot. */
  released(host: number): void {
    const engine = this.#engineAt(host);
    if (engine !== null) this.#options.slots.freed(engine);
  }

  engines(): Iterable<string> {
    const { hosts } = this.#options;
    for (; this.#known < hosts.length; this.#known++) {
      const engine = this.#engineAt(this.#known);
      if (engine !== null) this.#places.set(engine, this.#known);
    }
    return this.#places.keys();
  }

  wishOf(engine: string): SlotWish | null {
    const { pool, hosts } = this.#options;
    const place = this.#places.get(engine);
    if (place === undefined) return null;
    const { slots, engine: host } = hosts[place]!;
    const most = mostOf(pool.stateOf(place), slots);
    const { inWork, held } = pool.workOn(place);
    return {
      slots,
      isShared: host?.isShared ?? false,
      wanted: Math.min(most, pool.here),
      mayWant: Math.min(most, pool.left),
      held,
      inWork,
    };
  }

  share(engine: string, slots: number): void {
    this.#options.pool.share(this.#places.get(engine)!, slots);
  }

  leftOut(engine: string, report: NonNullable<HostShare["leftOut"]>): void {
    const place = this.#places.get(engine)!;
    if (this.#heardOf.get(place) === report.at) return;
    this.#heardOf.set(place, report.at);
    const what = `Batch ${report.byBatch} has left it out ${Math.round(report.agoMs / 1_000)} s ago`;
    this.#options.pool.reported(place, { ...report, what }, performance.now());
  }

  told(): void {
    this.#options.told();
  }

  failed(reason: unknown): void {
    this.#options.failed(reason);
  }

  /** null for this process. */
  #engineAt(place: number): string | null {
    const { stage, hosts } = this.#options;
    const engine = hosts[place]?.engine;
    return engine ? engineName(stage, engine) : null;
  }
}

/** How many files a host may be given: one shows whether a host that was left out is well again. */
function mostOf(state: HostState, slots: number): number {
  if (state.condition === "gone" || state.unfit !== null) return 0;
  return isLeftOut(state) ? 1 : slots;
}
