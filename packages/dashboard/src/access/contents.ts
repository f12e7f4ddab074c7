/**
 * The one way by which contents leave: whoever may see them says why, and what is seen is in the access log before the first byte of it is
 * sent. All other routes read a store that shows events without their contents.
 */
import type { AccessLog } from "@cofi/access/access-log";
import type { Action } from "@cofi/access/log-entries";
import { shortenedNumbers } from "@cofi/access/masked-names";
import { may, type Permission } from "@cofi/access/roles";
import type { Database } from "@cofi/event-log/database";
import type { LogEventDetail } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../routes/problems.js";
import { actorOf, principalOf } from "./principal.js";

export interface Looked {
  action: Action;
  /** On what: no contents. */
  what: string;
  why: string | undefined;
  batchId: number | null;
}

export interface SearchedFor {
  text: string;
  batchId: number | null;
  why: string | undefined;
}

/** Characters of a reason. */
const REASON_LENGTH = { least: 3, most: 1_000 } as const;
/** What stands in the place of a reason where nobody has logged in. */
const LOCAL_REASON = "on this machine, without a log-in";
/** Searches that were noted a moment ago: the page asks for the same one again and again. */
const MOST_REMEMBERED = 1_000;

export class Contents {
  readonly #store: Store;
  readonly #log: AccessLog;
  readonly #searches = new Set<string>();

  /** @param store as everything is stored */
  constructor(store: Store, log: AccessLog) {
    this.#store = store;
    this.#log = log;
  }

  /** Whether who asks sees contents without asking for them: the administrator of a dashboard on which nobody can log in. */
  areShownTo(request: FastifyRequest): boolean {
    return principalOf(request).way === "local";
  }

  /** One event as it was stored. @throws ProblemError when there is none, or the access log cannot be written */
  async event(request: FastifyRequest, id: number, why: string | undefined): Promise<LogEventDetail> {
    this.#assert(request, "contents");
    const [known] = await this.#store.eventsByIds([id]);
    if (!known) throw missing(id);
    await this.reveal(request, { action: "reveal", what: `event ${id}`, why, batchId: known.batchId });
    const event = await this.#store.event(id);
    if (!event) throw missing(id);
    return event;
  }

  /** Whoever may see contents says why, and the access log has it: what is named may be shown now. @throws ProblemError */
  async reveal(request: FastifyRequest, looked: Looked): Promise<void> {
    this.#assert(request, "contents");
    await this.note(request, { ...looked, why: this.#reason(request, looked.why) });
  }

  /** The store with everything, for contents of whole batches. Each read of it needs a {@link note} before. */
  async whole(request: FastifyRequest, looked: Looked): Promise<Store> {
    this.#assert(request, "readAll");
    await this.note(request, { ...looked, why: this.#reason(request, looked.why) });
    return this.#store;
  }

  /**
   * What the pack of a case is read from, and the entry of the access log, which is to be committed before anything of it is read.
   * @throws ProblemError when the role may not, or no reason is given
   */
  pack(
    request: FastifyRequest,
    looked: Looked,
  ): { database: Database; accessLog: AccessLog; note: () => Promise<void> } {
    this.#assert(request, "pack");
    const why = this.#reason(request, looked.why);
    const note = (): Promise<void> => this.note(request, { ...looked, why });
    return { database: this.#store.database, accessLog: this.#log, note };
  }

  /** Commits an entry of the access log. @throws ProblemError when it cannot: what it allows must not happen */
  async note(request: FastifyRequest, { action, what, why, batchId }: Looked): Promise<void> {
    try {
      // Auditors see what was searched for; whose number it was is content.
      const shown = action === "search" ? shortenedNumbers(what) : what;
      await this.#log.add({ ...actorOf(request), action, what: shown, why: why ?? "", batchId });
    } catch (error) {
      request.log.error({ err: error }, "the access log could not be written");
      throw new ProblemError(
        "unavailable",
        "The access log cannot be written, so nothing was shown or changed. Try again in a moment; the dashboard's log has the cause.",
        { cause: error },
      );
    }
  }

  /** Notes that somebody searches in contents, which their role must allow. @throws ProblemError */
  async search(request: FastifyRequest, { text, batchId, why }: SearchedFor): Promise<void> {
    const where = batchId === null ? "all batches" : `batch ${batchId}`;
    const what = `what was said, and whose it is, in ${where}: ${JSON.stringify(text)}`;
    await this.reveal(request, { action: "search", what, why, batchId });
  }

  /** Notes a search once for each who searches so. */
  async noteSearch(request: FastifyRequest, batchId: number, what: string): Promise<void> {
    const key = JSON.stringify([principalOf(request).who, batchId, what]);
    if (this.#searches.has(key)) return;
    await this.note(request, { action: "search", what, why: "", batchId });
    this.#searches.add(key);
    const [oldest] = this.#searches;
    if (this.#searches.size > MOST_REMEMBERED && oldest !== undefined) this.#searches.delete(oldest);
  }

  #assert(request: FastifyRequest, permission: Permission): void {
    const { role } = principalOf(request);
    if (!may(role, permission)) throw new ProblemError("forbidden", `Your role, ${role}, may not see these contents.`);
  }

  #reason(request: FastifyRequest, why: string | undefined): string {
    const reason = why?.trim() ?? "";
    if (reason.length >= REASON_LENGTH.least && reason.length <= REASON_LENGTH.most) return reason;
    if (reason === "" && this.areShownTo(request)) return LOCAL_REASON;
    throw new ProblemError(
      "bad-request",
      `Say why you look at these contents, in ${REASON_LENGTH.least} to ${REASON_LENGTH.most} characters: \`reason\`.`,
    );
  }
}

function missing(id: number): ProblemError {
  return new ProblemError("not-found", `There is no event ${id}.`);
}
