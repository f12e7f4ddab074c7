/**
 * Writes the events of one batch. Every event takes one path: log -> spool -> ship -> database. A database that is down,
 * slow or restarting only makes the spool longer; the pipeline does not notice.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isDataError } from "../database/errors.js";
import type { StoredEvent } from "../store/event-columns.js";
import type { Cut, EventStatus, EventType, Json } from "../events.js";
import { JsonText } from "./json-text.js";
import { Shipper, type LoggerProblem } from "./shipper.js";
import { Spool, SpoolInUseError, spooledBatches, type Durability } from "./spool.js";
import type { WorkName } from "../stages.js";
import { toDatabaseTime } from "../time.js";
import type { LogStore } from "../store/log.js";
import { uuidv7 } from "../uuid.js";

export interface EventLoggerOptions {
  batchId: number;
  /** Number of the run that this process is of the batch; left out by a service that does not run it. */
  run?: number | undefined;
  /** Folder of the spool files; each batch has one. */
  spoolDir: string;
  store: EventSink;
  /** A payload or response with more bytes of UTF-8 is stored cut, with its size and hash. Default 4 MiB; MEDIUMTEXT holds 16 MiB. */
  maxTextBytes?: number;
  /** Told once per disturbance, not once per event. Must not throw; if it does, the work goes on. */
  onProblem?: (problem: LoggerProblem) => void;
  durability?: Durability;
}

/** Where the events go: a `Store`. */
export type EventSink = Pick<LogStore, "insertEvents">;

/** What any event may say beyond its own fields. */
interface Details {
  gpuIp?: string | undefined;
  attempt?: number | undefined;
  /** Milliseconds. */
  durationMs?: number | undefined;
  metadata?: Json | undefined;
}

const DEFAULT_MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** TEXT holds 64 KB of UTF-8. */
const MAX_MESSAGE_CHARACTERS = 16_000;
const MAX_FILE_NAME_CHARACTERS = 255;
const MAX_HOST_CHARACTERS = 50;
/** While the spool cannot be written (disk full), events wait in memory: whole up to here, then without their bodies. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const SPOOL_RETRY_MS = 500;

interface Waiting {
  event: StoredEvent;
  bytes: number;
  acknowledge: () => void;
}

/**
 * The promise of each log method resolves when the event is acknowledged: committed to the spool. None ever rejects.
 * Calls of one tick share one commit.
 */
export class EventLogger {
  readonly #batchId: number;
  readonly #run: number | null;
  readonly #spool: Spool;
  readonly #shipper: Shipper;
  readonly #durability: Durability;
  readonly #maxTextBytes: number;
  readonly #onProblem: (problem: LoggerProblem) => void;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #flushing: Promise<void> | null = null;
  #flushTimer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #spoolBroken = false;
  #closed = false;
  #closing: Promise<{ unshipped: number }> | null = null;

  private constructor(options: EventLoggerOptions, spool: Spool) {
    this.#batchId = options.batchId;
    this.#run = options.run ?? null;
    this.#durability = options.durability ?? "process";
    this.#maxTextBytes = options.maxTextBytes ?? DEFAULT_MAX_TEXT_BYTES;
    this.#spool = spool;
    this.#onProblem = quietly(options.onProblem);
    this.#shipper = new Shipper({
      spool,
      insert: (events) => options.store.insertEvents(events),
      onProblem: this.#onProblem,
    });
    // What an earlier process of this batch left behind goes first: order within the batch is kept.
    this.#shipper.wake();
  }

  /** @throws SpoolInUseError when another process logs for this batch; the file system's error when there can be no spool */
  static async open(options: EventLoggerOptions): Promise<EventLogger> {
    const { spoolDir, batchId, durability, onProblem } = options;
    return new EventLogger(options, Spool.open(spoolDir, batchId, { durability, onDamage: damageTo(onProblem) }));
  }

  /** The stage begins; `totalFiles` where it is known by now. */
  stageStart(stage: WorkName, details: Details & { totalFiles?: number | undefined } = {}): Promise<void> {
    return this.#log(stage, "stage_start", "processing", details, { totalFiles: details.totalFiles ?? null });
  }

  /** So many of so many files are finished, failed ones included. */
  stageProgress(stage: WorkName, details: Details & { processedFiles: number; totalFiles: number }): Promise<void> {
    const { processedFiles, totalFiles } = details;
    return this.#log(stage, "stage_progress", "processing", details, { processedFiles, totalFiles });
  }

  /** The stage has ended. `failed` means that the batch cannot go on, not that a file failed. */
  stageComplete(
    stage: WorkName,
    details: Details & {
      status: "success" | "failed";
      processedFiles?: number | undefined;
      totalFiles?: number | undefined;
      errorMessage?: string | undefined;
    },
  ): Promise<void> {
    return this.#log(stage, "stage_complete", details.status, details, {
      processedFiles: details.processedFiles ?? null,
      totalFiles: details.totalFiles ?? null,
      errorMessage: details.errorMessage ?? null,
    });
  }

  /** A try of a file begins, with the full request. */
  fileStart(stage: WorkName, fileName: string, details: Details & { payload: unknown }): Promise<void> {
    return this.#log(stage, "file_start", "processing", details, { fileName, payload: details.payload });
  }

  /** A file is done, with the full response; the request may be repeated here for writers that log no start. */
  fileComplete(
    stage: WorkName,
    fileName: string,
    details: Details & { response: unknown; payload?: unknown },
  ): Promise<void> {
    const { payload, response } = details;
    return this.#log(stage, "file_complete", "success", details, { fileName, payload, response });
  }

  /**
   * A try failed. With `willRetry` the file stays in flight, otherwise it has failed. `fileName` null: an error of the
   * stage itself. `response` is what the other side answered, where it did.
   */
  fileError(
    stage: WorkName,
    fileName: string | null,
    details: Details & { error: unknown; willRetry?: boolean | undefined; payload?: unknown; response?: unknown },
  ): Promise<void> {
    const { payload, response, error } = details;
    const status = details.willRetry ? "processing" : "failed";
    return this.#log(stage, "error", status, details, { fileName, payload, response, errorMessage: messageOf(error) });
  }

  /** Something worth knowing; the text is `metadata.message`. */
  info(stage: WorkName, message: string, details: Details & { fileName?: string | undefined } = {}): Promise<void> {
    const { metadata } = details;
    const rest = metadata && typeof metadata === "object" && !Array.isArray(metadata) ? metadata : {};
    return this.#log(
      stage,
      "info",
      null,
      { ...details, metadata: { ...rest, message } },
      { fileName: details.fileName ?? null },
    );
  }

  /** Waits until the database has everything that was logged so far. False when that took longer than `timeoutMs`. */
  async drain(timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const deadline = Date.now() + Math.min(timeoutMs, 2 ** 31 - 1);
    await this.#flush();
    while (this.#waiting.length > 0 && !this.#closed) {
      const left = deadline - Date.now();
      if (left <= 0) return false;
      await sleep(Math.min(left, SPOOL_RETRY_MS));
      await this.#flush();
    }
    return !this.#closed && this.#shipper.drained(Math.max(0, deadline - Date.now()));
  }

  /**
   * Drains for at most `timeoutMs`, then closes. What is not shipped by then stays in the spool file and is shipped by
   * the next process ({@link shipLeftovers}). Idempotent; never rejects.
   * @returns how many events the database does not have yet
   */
  close(timeoutMs = 5_000): Promise<{ unshipped: number }> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<{ unshipped: number }> {
    let unshipped = 0;
    try {
      await this.drain(timeoutMs);
    } catch (error) {
      this.#spoolProblem("read", error);
    }
    this.#closed = true;
    await this.#shipper.stop();
    await this.#flush();
    const lost = this.#waiting.length;
    if (lost > 0)
      this.#onProblem({ kind: "spool", message: `${lost} events could not be written and are lost.`, cause: null });
    try {
      unshipped = this.#spool.waiting;
      this.#spool.close();
    } catch (error) {
      this.#spoolProblem("closed", error);
    }
    return { unshipped: unshipped + lost };
  }

  #log(
    stage: string,
    eventType: EventType,
    status: EventStatus | null,
    details: Details,
    fields: {
      fileName?: string | null;
      payload?: unknown;
      response?: unknown;
      errorMessage?: string | null;
      totalFiles?: number | null;
      processedFiles?: number | null;
    },
  ): Promise<void> {
    if (this.#closed) {
      this.#onProblem({ kind: "spool", message: `An event of ${stage} came after close() and is lost.`, cause: null });
      return Promise.resolve();
    }
    const payload = this.#text(fields.payload);
    const response = this.#text(fields.response);
    const event: StoredEvent = {
      batchId: this.#batchId,
      timestamp: toDatabaseTime(new Date()),
      stage,
      eventType,
      fileName: bounded(fields.fileName ?? null, MAX_FILE_NAME_CHARACTERS),
      gpuIp: bounded(details.gpuIp ?? null, MAX_HOST_CHARACTERS),
      payload: payload.text,
      response: response.text,
      status,
      errorMessage: bounded(fields.errorMessage ?? null, MAX_MESSAGE_CHARACTERS),
      totalFiles: whole(fields.totalFiles),
      processedFiles: whole(fields.processedFiles),
      metadata: details.metadata === undefined ? null : toJson(details.metadata),
      eventId: uuidv7(),
      attempt: whole(details.attempt),
      durationMs: whole(details.durationMs),
      payloadCut: payload.cut,
      responseCut: response.cut,
      run: this.#run,
    };
    return new Promise((acknowledge) => {
      const bytes = (event.payload?.length ?? 0) + (event.response?.length ?? 0);
      this.#waiting.push({ event, bytes, acknowledge });
      this.#waitingBytes += bytes;
      this.#flushTimer ??= setImmediate(() => void this.#flush());
    });
  }

  /** Commits what waits; while the disk refuses, keeps it and tries again. */
  #flush(): Promise<void> {
    this.#flushing ??= this.#commit().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  async #commit(): Promise<void> {
    if (this.#flushTimer) clearTimeout(this.#flushTimer as NodeJS.Timeout);
    this.#flushTimer = null;
    try {
      while (this.#waiting.length > 0) {
        const appended = this.#spool.append(this.#waiting.map(({ event }) => event));
        if (this.#durability === "power") await this.#spool.sync();
        this.#spoolBroken = false;
        for (const { acknowledge, bytes } of this.#waiting.splice(0, appended)) {
          this.#waitingBytes -= bytes;
          acknowledge();
        }
        this.#shipper.wake();
      }
    } catch (error) {
      if (!this.#spoolBroken) this.#spoolProblem("written", error, " Events wait in memory; free some disk space.");
      this.#spoolBroken = true;
      this.#flushTimer = this.#closed ? null : setTimeout(() => void this.#flush(), SPOOL_RETRY_MS);
    }
  }

  #spoolProblem(what: "read" | "written" | "closed", error: unknown, remedy = ""): void {
    const message = `The event spool ${this.#spool.path} cannot be ${what}: ${(error as Error).message}.${remedy}`;
    this.#onProblem({ kind: "spool", message, cause: error });
  }

  #text(value: unknown): { text: string | null; cut: string | null } {
    if (value === undefined || value === null) return { text: null, cut: null };
    const text = value instanceof JsonText ? value.text : toJson(value);
    const limit = this.#waitingBytes > MAX_WAITING_BYTES ? 0 : this.#maxTextBytes;
    // UTF-8 has at most three bytes per UTF-16 unit: short texts need no count.
    if (text.length * 3 <= limit) return { text, cut: null };
    const bytes = Buffer.from(text, "utf8");
    if (bytes.length <= limit) return { text, cut: null };
    const cut: Cut = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    return { text: cutUtf8(bytes, limit), cut: JSON.stringify(cut) };
  }
}

/**
 * Ships what earlier processes left in `spoolDir`. Spools that another process holds are left to it.
 * @returns how many events were shipped out of how many files
 * @throws the database's error (DatabaseUnavailableError when it went away); what is not shipped stays
 */
export async function shipLeftovers(
  spoolDir: string,
  store: EventSink,
  onProblem?: (problem: LoggerProblem) => void,
): Promise<{ shipped: number; spools: number }> {
  let shipped = 0;
  let spools = 0;
  for (const batchId of spooledBatches(spoolDir)) {
    let spool: Spool;
    try {
      spool = Spool.open(spoolDir, batchId, { onDamage: damageTo(onProblem) });
    } catch (error) {
      if (error instanceof SpoolInUseError) continue;
      throw error;
    }
    let failure: unknown = null;
    const shipper = new Shipper({
      spool,
      insert: async (events) => {
        try {
          await store.insertEvents(events);
          shipped += events.length;
        } catch (error) {
          if (!isDataError(error)) failure = error;
          throw error;
        }
      },
      onProblem: quietly((problem) => {
        if (problem.kind === "database") void shipper.stop();
        onProblem?.(problem);
      }),
    });
    await shipper.drained(2 ** 31 - 1);
    await shipper.stop();
    spools += 1;
    spool.close();
    if (failure) throw failure;
  }
  return { shipped, spools };
}

function damageTo(listener: ((problem: LoggerProblem) => void) | undefined): (message: string) => void {
  return (message) => quietly(listener)({ kind: "spool", message, cause: null });
}

/** A listener can never break the work. */
function quietly(listener: ((problem: LoggerProblem) => void) | undefined): (problem: LoggerProblem) => void {
  return (problem) => {
    try {
      listener?.(problem);
    } catch (error) {
      process.emitWarning(`onProblem threw: ${String(error)}`, "EventLoggerWarning");
    }
  };
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    return JSON.stringify({ unserialisable: messageOf(error) });
  }
}

/** What the integer columns of both databases hold; null for what is no number. */
function whole(value: number | null | undefined): number | null {
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(value)));
}

function cutUtf8(bytes: Buffer, limit: number): string {
  let end = limit;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString("utf8");
}

/** Cuts at `characters`; replaces lone surrogates, which no database stores. */
function bounded(text: string | null, characters: number): string | null {
  return text === null ? null : Buffer.from(text.slice(0, characters), "utf8").toString("utf8");
}

/** Of anything that was thrown, with its causes: whatever it is, this does not throw. */
function messageOf(thrown: unknown): string {
  try {
    const messages: string[] = [];
    const seen = new Set<unknown>();
    for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
      seen.add(error);
      const message = String(error.message);
      if (!messages.some((before) => before.includes(message))) messages.push(message);
    }
    return messages.length > 0 ? messages.join(": ") : String(thrown);
  } catch {
    return "an error that cannot be put in words";
  }
}
