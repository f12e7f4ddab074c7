import { deadline } from "@cofi/event-log/deadline";
import type { Store } from "@cofi/event-log/store";
import { MigrationError } from "@cofi/event-log/migrate";
import type { z } from "zod";
import type { LiveViews } from "../feed/live-views.js";
import type { healthSchema } from "./schemas.js";
import type { SseHub } from "../feed/sse-hub.js";
import type { Tail } from "@cofi/views/tail";

export type HealthReport = z.output<typeof healthSchema>;

/** ms that the database may take to answer a ping. */
const PING_MS = 2_000;

/** Answers `GET /api/health` within two seconds; the database is pinged for each answer. */
export class Health {
  readonly #store: Store;
  readonly #tail: Tail;
  readonly #views: LiveViews;
  readonly #hub: SseHub;
  readonly #assertMigrated: (() => Promise<void>) | undefined;
  readonly #startedAt = performance.now();
  #migrations: HealthReport["migrations"] = "unknown";

  constructor(
    parts: { store: Store; tail: Tail; views: LiveViews; hub: SseHub },
    assertMigrated: (() => Promise<void>) | undefined,
  ) {
    this.#store = parts.store;
    this.#tail = parts.tail;
    this.#views = parts.views;
    this.#hub = parts.hub;
    this.#assertMigrated = assertMigrated;
  }

  async report(): Promise<HealthReport> {
    const reachable = await this.#answers();
    if (reachable) await this.#lookAtMigrations();
    const { state, highest } = this.#tail;
    const { delivered, lagMs } = this.#tail.figures;
    const newest = this.#tail.newestBatch;
    const ok = reachable && state.database === "ok" && this.#migrations !== "behind";
    return {
      status: ok ? "ok" : "unavailable",
      database: reachable && state.database === "ok" ? "ok" : "unreachable",
      since: state.since,
      detail: this.#migrations === "behind" ? "The schema is behind: run `npx cofi migrate`." : this.#detail(reachable),
      migrations: this.#migrations,
      tail: {
        highestEventId: highest < 0 ? null : highest,
        lowWater: this.#tail.lowWater,
        openHoles: this.#tail.openHoles,
        replacedAt: this.#tail.replacedAt,
        lagMs,
      },
      events: {
        sinceStart: delivered,
        currentBatch: newest === null ? null : (this.#views.peek(newest.id)?.eventCount ?? null),
      },
      readers: this.#hub.readers,
      uptimeS: Math.floor((performance.now() - this.#startedAt) / 1_000),
    };
  }

  #detail(reachable: boolean): string {
    const { state, replacedAt } = this.#tail;
    if (!reachable && state.database === "ok") return "The database does not answer.";
    if (state.database !== "ok" || replacedAt === null) return state.detail;
    return `${state.detail} It was created again, restored, emptied or exchanged: at ${replacedAt} everything was read anew.`;
  }

  async #answers(): Promise<boolean> {
    // The tail's log has the reason of the failure; this answer only says that it failed.
    const answer = this.#store.ping().then(
      () => true,
      () => false,
    );
    return deadline(answer, PING_MS, () => false);
  }

  async #lookAtMigrations(): Promise<void> {
    // What the tail can read has all that it needs.
    if (!this.#assertMigrated || (this.#migrations === "current" && this.#tail.state.database === "ok")) return;
    try {
      await this.#assertMigrated();
      this.#migrations = "current";
    } catch (error) {
      this.#migrations = error instanceof MigrationError ? "behind" : "unknown";
    }
  }
}
