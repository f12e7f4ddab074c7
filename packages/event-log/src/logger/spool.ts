/**
 * The spool: local files in which an event is safe before the database has it. One spool a batch, held exclusively by one
 * process. Events are appended to numbered files and leave from the front, after the database has confirmed them; a file
 * goes when its last event has. Of `batch-7`:
 *
 *     batch-7.lock                      held by the process that logs for the batch
 *     batch-7.000000000000001.spool     events from number 1 on
 *     batch-7.rejected.ndjson           events that the database can never store, with the reason
 *
 * Every record carries a checksum and its number, so damage costs the events that it hit and no others, and is counted.
 */
import { appendFileSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { StoredEvent } from "../store/event-columns.js";
import { FileLock } from "./file-lock.js";
import type { SpooledEvent } from "./spool-record.js";
import { Segment } from "./spool-segment.js";

export type { SpooledEvent, StoredEvent };

/** Another process (or another logger of this one) holds the spool. */
export class SpoolInUseError extends Error {
  override readonly name = "SpoolInUseError";
}

/** `process`: what is acknowledged survives a killed process. `power`: also a power cut, at the price of waiting for the disk. */
export type Durability = "process" | "power";

export interface SpoolOptions {
  durability?: Durability | undefined;
  /** Told for each damaged file, when everything sound in it has been read. */
  onDamage?: ((message: string) => void) | undefined;
}

/** A file that has so many bytes is followed by a new one. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** A file of which all is confirmed goes when it has so many bytes, or when the disk is full: it must not keep the room of a small disk. */
const WORTH_REMOVING_BYTES = 1024 * 1024;
/** Bytes encoded and written at once. */
const WRITE_BYTES = 1024 * 1024;
const FILE = /^batch-(\d+)\.(\d{15})\.spool$/;

export class Spool {
  /** For messages: matches all files of this spool that hold events. */
  readonly path: string;
  readonly #folder: string;
  readonly #batchId: number;
  readonly #options: SpoolOptions;
  readonly #lock: FileLock;
  /** In order; the last one may be written to. */
  #segments: Segment[] = [];
  /** The last segment, when this process made it. */
  #writing: Segment | null = null;
  /** Index of the segment that is read next. */
  #reading = 0;
  #nextSeq = 1;
  #confirmed = 0;
  /** Read but not confirmed. */
  #ahead: SpooledEvent[] = [];
  #folderChanged = false;
  #isSyncing = false;

  private constructor(folder: string, batchId: number, lock: FileLock, options: SpoolOptions) {
    this.#folder = folder;
    this.#batchId = batchId;
    this.#lock = lock;
    this.#options = options;
    this.path = join(folder, `batch-${batchId}.*.spool`);
    for (const name of readdirSync(folder).toSorted()) {
      const [, batch, first] = FILE.exec(name) ?? [];
      if (Number(batch) !== batchId) continue;
      const segment = Segment.open(join(folder, name), Number(first));
      segment.close();
      if (segment.empty) segment.remove();
      else this.#segments.push(segment);
    }
    const [first] = this.#segments;
    const last = this.#segments.at(-1);
    if (!first || !last) return;
    this.#confirmed = Math.max(first.firstSeq - 1, first.confirmed);
    // Above the number of a file that lost all its events, too: its name is taken.
    this.#nextSeq = Math.max(last.lastSeq(), last.firstSeq) + 1;
    last.close();
  }

  /**
   * Opens or creates the spool of a batch in `folder`, which is made if need be.
   * @throws SpoolInUseError when another process holds it; the file system's error when there can be none
   */
  static open(folder: string, batchId: number, options: SpoolOptions = {}): Spool {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `batch-${batchId}.lock`);
    const lock = FileLock.take(path);
    if (!lock)
      throw new SpoolInUseError(
        `The event spool of batch ${batchId} is in use by another process, which holds ${path}: this batch is being run ` +
          "already. Wait for it to end, or stop it, then try again.",
      );
    try {
      return new Spool(folder, batchId, lock, options);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Events that the database has not confirmed; those that damage took are among them until they are missed. */
  get waiting(): number {
    return this.#nextSeq - 1 - this.#confirmed;
  }

  /**
   * Appends the events in order.
   * @returns how many of them, from the first on, are in the spool: fewer than all when the disk refuses the rest
   * @throws the file system's error when it refuses the first
   */
  append(events: readonly StoredEvent[]): number {
    try {
      return this.#append(events);
    } catch (error) {
      // What is confirmed may hold the room that is needed.
      if (!this.#dropConfirmed(0)) throw error;
      return this.#append(events);
    }
  }

  #append(events: readonly StoredEvent[]): number {
    const segment = this.#writable();
    let appended = 0;
    while (appended < events.length) {
      const part = events.slice(appended, appended + partLength(events, appended));
      try {
        segment.append(part, this.#nextSeq);
      } catch (error) {
        if (appended === 0) throw error;
        break;
      }
      this.#nextSeq += part.length;
      appended += part.length;
    }
    return appended;
  }

  /**
   * With the durability `power`, waits until what was appended would survive a power cut. Nothing may be appended meanwhile.
   * @throws the file system's error: append those events again
   */
  async sync(): Promise<void> {
    this.#isSyncing = true;
    try {
      await this.#writing?.sync();
      if (this.#folderChanged) syncFolder(this.#folder);
      this.#folderChanged = false;
    } catch (error) {
      // What the system could not write it may have forgotten (https://wiki.postgresql.org/wiki/Fsync_Errors): a new file.
      this.#writing = null;
      throw error;
    } finally {
      this.#isSyncing = false;
    }
  }

  /** The oldest events, in the order in which they were appended: at least one when there is any, then up to the limits. */
  oldest(limit: number, maxBytes: number): SpooledEvent[] {
    let bytes = this.#ahead.reduce((sum, { event }) => sum + weight(event), 0);
    while (this.#ahead.length < limit && bytes < maxBytes) {
      const record = this.#next();
      if (!record) break;
      this.#ahead.push(record);
      bytes += weight(record.event);
    }
    // All that is left of the numbers given out are those that damage took.
    if (this.#ahead.length === 0) this.confirm(this.#nextSeq - 1);
    return this.#ahead;
  }

  /** Forgets everything that {@link oldest} gave up to `seq`: the database has it, or can never store it. */
  confirm(seq: number): void {
    this.#ahead = this.#ahead.filter((spooled) => spooled.seq > seq);
    while (this.#reading > 0 && (this.#ahead[0]?.seq ?? Infinity) >= (this.#segments[1]?.firstSeq ?? Infinity))
      this.#drop();
    const isNews = seq > this.#confirmed;
    this.#confirmed = seq;
    // Before anything is written: on a full disk some file systems refuse to write in place, too.
    if (!this.#dropConfirmed(WORTH_REMOVING_BYTES) && isNews) this.#segments[0]?.confirm(seq);
  }

  /** Removes the file that is written to, when it has so many bytes and nothing in it waits. @returns whether it did */
  #dropConfirmed(leastBytes: number): boolean {
    const writing = this.#writing;
    if (!writing || this.#isSyncing || this.waiting > 0 || writing.bytes < leastBytes) return false;
    while (this.#segments.length > 0) this.#drop();
    return true;
  }

  /**
   * Sets one event aside that the database can never store, with the reason; it no longer holds up the others.
   * @returns the file in which it is kept
   */
  reject({ seq, event }: SpooledEvent, reason: string): string {
    const path = join(this.#folder, `batch-${this.#batchId}.rejected.ndjson`);
    appendFileSync(path, `${JSON.stringify({ reason, ...event })}\n`, { mode: 0o600 });
    this.#ahead = this.#ahead.filter((spooled) => spooled.seq !== seq);
    return path;
  }

  /** Closes the files, and removes them when nothing is left in them. */
  close(): void {
    try {
      if (this.waiting === 0) while (this.#segments.length > 0) this.#drop();
      for (const segment of this.#segments) segment.close();
    } finally {
      this.#lock.release();
    }
  }

  /** The segment to write to: a new one in each process, and whenever the last one is full. */
  #writable(): Segment {
    if (this.#writing && this.#writing.bytes < SEGMENT_BYTES) return this.#writing;
    if (this.#writing !== this.#segments[this.#reading]) this.#writing?.close();
    const name = `batch-${this.#batchId}.${String(this.#nextSeq).padStart(15, "0")}.spool`;
    this.#writing = Segment.create(join(this.#folder, name), this.#nextSeq);
    this.#segments.push(this.#writing);
    this.#folderChanged = true;
    return this.#writing;
  }

  #next(): SpooledEvent | null {
    for (;;) {
      const segment = this.#segments[this.#reading];
      if (!segment) return null;
      const record = segment.next();
      if (record && record.seq > this.#confirmed) return record;
      if (record) continue;
      if (segment === this.#writing) return null;
      const missing = (this.#segments[this.#reading + 1]?.firstSeq ?? 0) - segment.expected;
      if (missing > 0) segment.missingAtEnd(missing);
      segment.close();
      this.#reading += 1;
    }
  }

  /** The first segment has been read to its end, and confirmed. */
  #drop(): void {
    const segment = this.#segments.shift();
    this.#reading = Math.max(0, this.#reading - 1);
    if (!segment) return;
    if (segment === this.#writing) this.#writing = null;
    const { damage, path } = segment;
    const keptAs = segment.remove();
    if (!damage) return;
    const lost = damage.events === 1 ? "1 event was" : `${damage.events} events were`;
    this.#options.onDamage?.(
      `The event spool ${path} was damaged: ${lost} lost` +
        (damage.bytesAtEnd > 0 ? `, and ${damage.bytesAtEnd} bytes at its end hold nothing that can be read` : "") +
        (damage.label ? ", and its first line cannot be read" : "") +
        `; all others were recovered. The damaged file is kept as ${keptAs}.`,
    );
  }
}

/** What one read or write is about, in bytes; only the long texts count. */
function weight(event: StoredEvent): number {
  return (event.payload?.length ?? 0) + (event.response?.length ?? 0) + (event.metadata?.length ?? 0) + 500;
}

function partLength(events: readonly StoredEvent[], from: number): number {
  let bytes = 0;
  let length = 0;
  for (; from + length < events.length && bytes < WRITE_BYTES; length++) bytes += weight(events[from + length]!);
  return length;
}

/** A new file is there after a power cut only if its folder was written, too. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The batches that have spool files in `folder`, left by processes that ended before everything was shipped. */
export function spooledBatches(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const batches = readdirSync(folder).map((name) => Number(FILE.exec(name)?.[1] ?? 0));
  return [...new Set(batches)].filter((batch) => batch > 0).toSorted((a, b) => a - b);
}
