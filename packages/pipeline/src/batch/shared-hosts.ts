/** Hosts that other runs use too: this run takes its share of their slots, and hears of hosts that others have left out. */
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { HostShares, HostWish } from "@cofi/event-log/host-shares";
import type { Run } from "@cofi/event-log/runs";
import type { WorkName } from "@cofi/event-log/stages";
import type { HostChange, HostPool } from "../pool/host-pool.js";
import { isLeftOut, type HostState } from "../pool/host-state.js";
import type { NamedHost } from "./named-hosts.js";

export interface SharedHostsOptions {
  shares: HostShares;
  run: Run;
  stage: WorkName;
  pool: HostPool;
  /** By their places in the pool. More may come. */
  hosts: readonly NamedHost[];
  /** As that of the batch's context. */
  persist: <T>(work: () => Promise<T>) => Promise<T>;
  /** Aborts when the batch is to stop. */
  signal: AbortSignal;
  /** The pool was told something, later than by `begin`. */
  told: () => void;
  failed: (reason: unknown) => void;
}

/** How often the slots are divided anew, in ms. */
const EVERY_MS = 1_000;

export class SharedHosts {
  readonly #options: SharedHostsOptions;
  /** By place, the last report that the pool was told of. */
  readonly #heardOf = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: SharedHostsOptions) {
    this.#options = options;
  }

  /** Takes the first share of each host, as long as that takes, and then, from time to time, another. */
  async begin(): Promise<void> {
    await this.#options.persist(() => this.#divide());
    this.#again();
  }

  /** A host has taken a step. */
  changed({ host, from, to, isReported }: HostChange): void {
    const { shares, run, hosts, pool } = this.#options;
    const named = hosts[host]!;
    if (!named.engine?.isShared || isReported) return;
    const forMs = pool.stateOf(host).pausedUntil - performance.now();
    if (to === "ejected" && forMs > 0) this.#tell(() => shares.leaveOut(run, this.#nameOf(named), forMs));
    else if (to === "healthy" && from !== "joining") this.#tell(() => shares.takeBack(this.#nameOf(named)));
  }

  /** Gives the shares back, as long as that takes: others wait for them. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#round;
    const { shares, run, persist, signal } = this.#options;
    const names = this.#shared().map(([, host]) => this.#nameOf(host));
    await persist(() => shares.release(run, names)).catch((error: unknown) => {
      // Those of a run that is stopped end with it.
      if (!signal.aborted) throw error;
    });
  }

  #again(): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#tell(() => this.#divide().then(this.#options.told));
      void this.#round.then(() => this.#again());
    }, EVERY_MS);
  }

  /** One after the other. While the database is away, everybody keeps what they have. */
  #tell(work: () => Promise<void>): void {
    this.#round = this.#round.then(work).catch((error: unknown) => {
      if (!(error instanceof DatabaseUnavailableError)) this.#options.failed(error);
    });
  }

  async #divide(): Promise<void> {
    const { shares, run, pool } = this.#options;
    const shared = this.#shared();
    const wishes = shared.map(([place, host]): HostWish => {
      const { slots } = host;
      const most = mostOf(pool.stateOf(place), slots);
      const [wanted, mayWant] = [Math.min(most, pool.here), Math.min(most, pool.left)];
      return { host: this.#nameOf(host), slots, wanted, mayWant, held: pool.mayHaveInWork(place) };
    });
    const found = await shares.share(run, wishes);
    const now = performance.now();
    for (const [place, host] of shared) {
      const { share, leftOut } = found.get(this.#nameOf(host))!;
      pool.share(place, share);
      if (leftOut === null || leftOut.byBatch === run.batchId || this.#heardOf.get(place) === leftOut.at) continue;
      this.#heardOf.set(place, leftOut.at);
      const seconds = Math.round(leftOut.agoMs / 1_000);
      pool.reported(place, { ...leftOut, what: `Batch ${leftOut.byBatch} has left it out ${seconds} s ago` }, now);
    }
  }

  #shared(): [number, NamedHost][] {
    return this.#options.hosts.flatMap((host, place): [number, NamedHost][] =>
      host.engine?.isShared ? [[place, host]] : [],
    );
  }

  /** The same for every run. */
  #nameOf({ engine }: NamedHost): string {
    return `${this.#options.stage} ${engine?.url ?? ""}`;
  }
}

/** How many files a host may be given: one shows whether a host that was left out is well again. */
function mostOf(state: HostState, slots: number): number {
  if (state.condition === "gone") return 0;
  return isLeftOut(state) ? 1 : slots;
}
