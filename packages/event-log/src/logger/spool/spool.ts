/**
 * The spool: local files in which an event is safe before the database has it. One spool a batch, held exclusively by one
 * process. Events are appended to numbered files and leave from the front, after the database has confirmed them; a file
 * goes when its last event has. Every file says which database and batch its events belong to. Of `batch-7`:
 *
 *     batch-7.lock                      held by the process that logs for the batch
 *     batch-7.000000000000001.spool     events from number 1 on
 *     batch-7-aside-0193….….spool       events of another database's batch 7, which its own run ships
 *     batch-7.rejected.ndjson           events that the database can never store, with the reason and whose they are
 *
 * Every record carries a checksum and its number, so damage costs the events that it hit and no others, and is counted.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoredEvent } from "../../store/event-columns.js";
import { FileLock } from "./file-lock.js";
import { partLength, weight, type SpooledEvent } from "./spool-record.js";
import { damageText, putAside, segmentPath, segmentsOf, spoolName, syncFolder } from "./spool-files.js";
import { labelled } from "./spool-label.js";
import { SpoolInUseError, type SpoolOptions } from "./spool-options.js";
import { divide, refusalText, type Refused } from "./spool-owner.js";
import { Segment } from "./spool-segment.js";

export { SpoolInUseError, type Durability } from "./spool-options.js";
export type { SpooledEvent, StoredEvent };

/** A file that has so many bytes is followed by a new one. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Delete a fully confirmed file once it is this large, or at once when the disk is full. */
const WORTH_REMOVING_BYTES = 1024 * 1024;

export class Spool {
  /** For messages: matches all files of this spool that hold events. */
  readonly path: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #batchId: number;
  readonly #options: SpoolOptions;
  #identity: string | null;
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

  private constructor(folder: string, name: string, batchId: number, lock: FileLock, options: SpoolOptions) {
    this.#folder = folder;
    this.#name = name;
    this.#batchId = batchId;
    this.#lock = lock;
    this.#options = options;
    this.#identity = options.identity ? labelled(options.identity) : null;
    this.path = join(folder, `${name}.*.spool`);
    for (const segment of segmentsOf(folder, name)) {
      const before = this.#segments.at(-1);
      if (before) before.lastSeq = segment.firstSeq - 1;
      this.#segments.push(segment);
    }
    const last = this.#segments.at(-1);
    if (!last) return;
    last.lastSeq = last.readLastSeq();
    last.close();
    // A file whose events were all lost still owns its first number, so start after it.
    this.#nextSeq = Math.max(last.lastSeq, last.firstSeq) + 1;
    this.#startAtFirst();
  }

  #startAtFirst(): void {
    const [first] = this.#segments;
    this.#confirmed = first ? Math.max(first.firstSeq - 1, first.confirmed) : this.#nextSeq - 1;
  }

  /**
   * Opens or creates the spool of a batch in `folder`, which is made if need be.
   * @throws SpoolInUseError when another process holds it; the file system's error when there can be none
   */
  static open(folder: string, batchId: number, options: SpoolOptions = {}): Spool {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const name = options.name ?? spoolName(batchId);
    const lock = FileLock.take(join(folder, `${name}.lock`));
    if (!lock) throw new SpoolInUseError(folder, name);
    try {
      return new Spool(folder, name, batchId, lock, options);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Events that the database has not confirmed, including events lost to damage, until the gap is noticed. */
  get waiting(): number {
    let events = 0;
    for (const { firstSeq, lastSeq } of this.#segments)
      events += Math.max(0, lastSeq - Math.max(this.#confirmed, firstSeq - 1));
    return events;
  }

  /** Number of the newest event; 0 when there was none. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** Events up to this number are confirmed. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Whether there is nothing to ship, and no damage to report. */
  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /**
   * Says which database is at hand, before the first {@link oldest}. What this process appends is its own; files that earlier
   * processes left for another database are passed over and kept.
   * @param here as `EventSink.identityOf` gives it; null: no such batch there; undefined: unknown
   * @param moveAside gives those files a name of their own, so that this spool holds events of one database only
   * @returns what was passed over; null when there is no such file
   */
  claim(here: string | null | undefined, { moveAside = false } = {}): Refused | null {
    const name = here ? labelled(here) : here;
    const { ours, refused, events, reasons } = divide(this.#segments, name, this.#confirmed);
    this.#segments = ours;
    this.#startAtFirst();
    if (name) this.#identify(name);
    if (refused.length === 0) return null;
    const paths = refused.map(({ path }) => path);
    const kept = moveAside ? putAside(paths, this.#folder, this.#batchId) : paths;
    return { events, message: refusalText(events, this.#batchId, kept, reasons) };
  }

  #identify(identity: string): void {
    this.#identity = identity;
    for (const segment of this.#segments) {
      if (segment.identity === identity) continue;
      try {
        segment.write({ identity });
      } catch (error) {
        // Some file systems refuse to write in place when they are full. The events are shipped all the same.
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      }
      if (!segment.isOwn) segment.close();
    }
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
      segment.lastSeq = this.#nextSeq - 1;
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
    if (!this.#dropConfirmed(WORTH_REMOVING_BYTES) && isNews) this.#segments[0]?.write({ confirmed: seq });
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
    appendFileSync(path, `${JSON.stringify({ reason, of: this.#identity, ...event })}\n`, { mode: 0o600 });
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
    const path = segmentPath(this.#folder, this.#name, this.#nextSeq);
    this.#writing = Segment.create(path, this.#nextSeq, this.#identity);
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
      segment.endRead();
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
    this.#options.onDamage?.(damageText(path, damage, keptAs ?? path));
  }
}
