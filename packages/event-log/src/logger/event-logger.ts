/**
 * Writes the events of one batch. Every event takes one path: log -> spool -> ship -> database. A database that is down,
 * slow or restarting only makes the spool longer; the pipeline does not notice.
 */
import { deadline } from "../deadline.js";
import type { EventType, Json } from "../events.js";
import { EVIDENCE, type WorkName } from "../stages.js";
import type { StoredEvent } from "../store/event-columns.js";
import { toDatabaseTime } from "../time.js";
import { uuidv7 } from "../uuid.js";
import { Commits } from "./commits.js";
import { errorOf, readable, statusOf, type Given } from "./given.js";
import { quietly, type LoggerProblem, type ProblemListener } from "./problems.js";
import { Shipper } from "./shipper.js";
import { identityIn, type EventSink } from "./sink.js";
import { Spool, type Durability } from "./spool/spool.js";
import * as values from "./values/fields.js";

export { shipLeftovers } from "./leftovers.js";
export { removeSpoolFiles } from "./spool/spool-retention.js";
export { JsonText } from "./values/json-text.js";

export interface EventLoggerOptions {
  batchId: number;
  /** Number of the run that this process is of the batch; left out by a service that does not run it. */
  run?: number | undefined;
  /** Folder of the spool files; each batch has one. */
  spoolDir: string;
  store: EventSink;
  /** A payload or response with more bytes of UTF-8 is stored cut, with its size and hash. Default 4 MiB; MEDIUMTEXT holds 16 MiB. No limit below the default cuts {@link EVIDENCE}. */
  maxTextBytes?: number;
  /** Called once per disturbance, not once per event. Must not throw; if it does, the work goes on. */
  onProblem?: (problem: LoggerProblem) => void;
  durability?: Durability;
}

/** What any event may say beyond its own fields. */
interface Details {
  gpuIp?: string | undefined;
  /** 1 for the first. */
  attempt?: number | undefined;
  /** Milliseconds. */
  durationMs?: number | undefined;
  metadata?: Json | undefined;
}

export interface Closed {
  /** Events that the database does not have, as far as is known. */
  unshipped: number;
  /** Those of them that could not be written to the spool either. All others are shipped by the next process. */
  lost: number;
}

const DEFAULT_MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** While the spool cannot be written (disk full), events wait in memory: whole up to here, then without their bodies. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** How long `open()` waits for the database to say which one it is: from then on the spool's files say whose they are. */
const IDENTITY_MS = 1_000;
/** How long `close()` tries to write what waits in memory. */
const LAST_COMMIT_MS = 1_000;
/** The longest time that a timer takes. */
const FOR_EVER_MS = 2 ** 31 - 1;

/**
 * The promise of each log method resolves to true when the event is acknowledged: committed to the spool. It resolves to
 * false when the event is lost, because the spool could not be written until the logger was closed, or the logger was closed
 * already; that is reported. None ever rejects. Calls of one tick share one commit.
 *
 * Values are taken as they are at the time of the call. One that cannot be stored as it is costs itself, not the event.
 */
export class EventLogger {
  readonly #batchId: number;
  readonly #run: number | null;
  readonly #spool: Spool;
  readonly #commits: Commits;
  readonly #shipper: Shipper;
  readonly #maxTextBytes: number;
  readonly #onProblem: ProblemListener;
  #closing: Promise<Closed> | null = null;

  private constructor(options: EventLoggerOptions, spool: Spool) {
    const { batchId, run = null, store: sink, maxTextBytes = DEFAULT_MAX_TEXT_BYTES, durability = "process" } = options;
    this.#batchId = batchId;
    this.#run = run;
    this.#maxTextBytes = maxTextBytes;
    this.#spool = spool;
    const onProblem = quietly(options.onProblem);
    this.#onProblem = onProblem;
    const shipper = new Shipper({ batchId, spool, sink, onProblem });
    this.#shipper = shipper;
    this.#commits = new Commits({ spool, durability, onProblem, onCommitted: () => shipper.wake() });
    // What an earlier process of this batch left behind goes first: order within the batch is kept.
    shipper.wake();
  }

  /** @throws SpoolInUseError when another process logs for this batch; the file system's error when there can be no spool */
  static async open(options: EventLoggerOptions): Promise<EventLogger> {
    const { spoolDir, batchId, store } = options;
    const report = quietly(options.onProblem);
    // A database that does not answer is asked again, and reported, by the shipper.
    const asked = identityIn(store, batchId).catch(() => undefined);
    const identity = await deadline(asked, IDENTITY_MS, () => undefined);
    const onDamage = (message: string): void => report({ kind: "spool", message, cause: null });
    return new EventLogger(options, Spool.open(spoolDir, batchId, { identity, onDamage }));
  }

  /** The stage begins; `totalFiles` where it is known by now. */
  stageStart(stage: WorkName, details: Details & { totalFiles?: number | undefined } = {}): Promise<boolean> {
    return this.#log(stage, "stage_start", details);
  }

  /** So many of so many files are finished, failed ones included. */
  stageProgress(stage: WorkName, details: Details & { processedFiles: number; totalFiles: number }): Promise<boolean> {
    return this.#log(stage, "stage_progress", details);
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
  ): Promise<boolean> {
    return this.#log(stage, "stage_complete", details);
  }

  /** An attempt at a file begins, with the full request. */
  fileStart(stage: WorkName, fileName: string, details: Details & { payload: unknown }): Promise<boolean> {
    return this.#log(stage, "file_start", details, fileName);
  }

  /** A file is done, with the full response; the request may be repeated here for writers that log no start. */
  fileComplete(
    stage: WorkName,
    fileName: string,
    details: Details & { response: unknown; payload?: unknown },
  ): Promise<boolean> {
    return this.#log(stage, "file_complete", details, fileName);
  }

  /**
   * An attempt failed. With `willRetry` the file stays in flight, otherwise it has failed. `fileName` null: an error of the
   * stage itself. `response` is what the other side answered, where it did.
   */
  fileError(
    stage: WorkName,
    fileName: string | null,
    details: Details & { error: unknown; willRetry?: boolean | undefined; payload?: unknown; response?: unknown },
  ): Promise<boolean> {
    return this.#log(stage, "error", details, fileName);
  }

  /** Something worth knowing; the text is `metadata.message`. */
  info(stage: WorkName, message: string, details: Details & { fileName?: string | undefined } = {}): Promise<boolean> {
    return this.#log(stage, "info", details, null, message ?? "");
  }

  /** Bytes of UTF-8 from which on a payload or response of this stage is stored cut. */
  textLimit(stage: WorkName): number {
    const isEvidence = EVIDENCE.some((name) => name === stage);
    return isEvidence ? Math.max(this.#maxTextBytes, DEFAULT_MAX_TEXT_BYTES) : this.#maxTextBytes;
  }

  /**
   * Waits until the database has everything that was logged so far, or has refused it for good, which is reported.
   * @returns false when that took longer than `timeoutMs`, when something could not be written, or when the logger is closed
   */
  async drain(timeoutMs = FOR_EVER_MS): Promise<boolean> {
    const until = performance.now() + Math.min(timeoutMs, FOR_EVER_MS);
    const left = (): number => Math.max(0, until - performance.now());
    return (await this.#commits.allAcknowledged(left())) && this.#shipper.shipped(left());
  }

  /**
   * Drains for at most `timeoutMs`, then closes; every promise is settled then. What is not shipped by then stays in the
   * spool and is shipped by the next process ({@link shipLeftovers}). Idempotent; never rejects.
   */
  close(timeoutMs = 5_000): Promise<Closed> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<Closed> {
    await this.drain(timeoutMs);
    const lost = await this.#commits.close(LAST_COMMIT_MS);
    await this.#shipper.close();
    const unshipped = this.#spool.waiting + lost;
    try {
      this.#spool.close();
    } catch (error) {
      const message = `The event spool ${this.#spool.path} cannot be closed: ${(error as Error).message}. Its events are kept.`;
      this.#onProblem({ kind: "spool", message, cause: error });
    }
    return { unshipped, lost };
  }

  #log(
    stage: unknown,
    eventType: EventType,
    details: unknown,
    fileName: unknown = null,
    message?: unknown,
  ): Promise<boolean> {
    const own = { stage, eventType, fileName, message };
    let event: StoredEvent;
    try {
      event = this.#eventOf(own, (details ?? {}) as Given);
    } catch {
      // One of its getters throws: the others count.
      event = this.#eventOf(own, readable(details));
    }
    return this.#commits.add(event);
  }

  #eventOf({ stage, eventType, fileName, message }: Own, from: Given): StoredEvent {
    const maxBytes = this.#commits.waitingBytes > MAX_WAITING_BYTES ? 0 : this.textLimit(stage as WorkName);
    const payload = values.bodyOf(from.payload, maxBytes);
    const response = values.bodyOf(from.response, maxBytes);
    return {
      batchId: this.#batchId,
      timestamp: toDatabaseTime(new Date()),
      stage: values.textOf(stage, values.MAX_STAGE_CHARACTERS) || "unknown",
      eventType,
      fileName: values.fileNameOf(eventType === "info" ? from.fileName : fileName),
      gpuIp: values.textOf(from.gpuIp, values.MAX_HOST_CHARACTERS),
      payload: payload.text,
      response: response.text,
      status: statusOf(eventType, from),
      errorMessage: errorOf(eventType, from),
      totalFiles: values.countOf(from.totalFiles),
      processedFiles: values.countOf(from.processedFiles),
      metadata: values.metadataOf(from.metadata, message),
      eventId: uuidv7(),
      attempt: values.countOf(from.attempt),
      durationMs: values.countOf(from.durationMs),
      payloadCut: payload.cut,
      responseCut: response.cut,
      run: this.#run,
    };
  }
}

/** What the method that was called says itself. */
interface Own {
  stage: unknown;
  eventType: EventType;
  fileName: unknown;
  message: unknown;
}
