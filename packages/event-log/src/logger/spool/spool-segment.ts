/** One file of a spool: its label, then records. Its name holds the number of its first event. */
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { StoredEvent } from "../../store/event-columns.js";
import { decodeLabel, encodeLabel, LABEL_BYTES, type Label } from "./spool-label.js";
import { decodeRecord, encodeRecords, findRecord, type SpooledEvent } from "./spool-record.js";

/** Bytes read at once. */
const READ_BYTES = 1024 * 1024;

/** What could not be read of a segment. */
export interface Damage {
  /** Events between sound ones that are gone. */
  events: number;
  /** Bytes after the last sound record. */
  bytesAtEnd: number;
  /** The line at the top was unreadable. */
  label: boolean;
}

export class Segment {
  readonly path: string;
  readonly firstSeq: number;
  /** Number of the last event that was written to it. Its spool knows: damage may have taken that event. */
  lastSeq: number;
  /** This process made it. */
  readonly isOwn: boolean;
  /** Null while everything that was read of it was sound. */
  damage: Damage | null = null;
  /** Open while it is in use: a long outage leaves thousands of segments. */
  #open: number | null;
  /** Where the next record is written. */
  #end: number;
  /** Null when it cannot be read; then it is not written again, for where the records begin is unknown. */
  #label: Label | null;
  readonly #recordsAt: number;
  /** Where the next record is read. */
  #at: number;
  #expected: number;
  #buffer: Buffer = Buffer.alloc(0);
  /** Position of the buffer's first byte in the file. */
  #bufferAt = 0;

  private constructor(path: string, firstSeq: number, file: number, isOwn: boolean) {
    this.path = path;
    this.isOwn = isOwn;
    this.firstSeq = firstSeq;
    this.lastSeq = firstSeq - 1;
    this.#open = file;
    this.#end = fstatSync(file).size;
    const top = decodeLabel(this.#read(0, Math.min(LABEL_BYTES, this.#end)));
    this.#label = top?.label ?? null;
    this.#recordsAt = top?.bytes ?? 0;
    if (!top) this.#damaged().label = true;
    this.#at = this.#recordsAt;
    this.#expected = firstSeq;
  }

  /** A new file, which gets its name when it has its first line. @throws the file system's error; then there is none */
  static create(path: string, firstSeq: number, identity: string | null): Segment {
    const unnamed = `${path}.new`;
    const file = openSync(unnamed, "w+", 0o600);
    try {
      writeAll(file, encodeLabel({ version: 2, confirmed: 0, identity }), 0);
      renameSync(unnamed, path);
      return new Segment(path, firstSeq, file, true);
    } catch (error) {
      closeSync(file);
      rmSync(unnamed, { force: true });
      throw error;
    }
  }

  static open(path: string, firstSeq: number): Segment {
    return new Segment(path, firstSeq, openSync(path, "r+"), false);
  }

  get #file(): number {
    return (this.#open ??= openSync(this.path, "r+"));
  }

  /** Numbers up to this one are confirmed, as far as this file says: 0 until it is the oldest of its spool. */
  get confirmed(): number {
    return this.#label?.confirmed ?? 0;
  }

  /** Whose events it holds; null while it does not say. */
  get identity(): string | null {
    return this.#label?.identity ?? null;
  }

  get bytes(): number {
    return this.#end;
  }

  /** Made, and never written to. */
  get empty(): boolean {
    return this.#end === this.#recordsAt && !this.damage;
  }

  /** Appends all or none. @throws the file system's error */
  append(events: readonly StoredEvent[], firstSeq: number): void {
    const records = encodeRecords(events, firstSeq);
    try {
      writeAll(this.#file, records, this.#end);
    } catch (error) {
      // What was written of it must not look like damage. The disk's refusal is the error that counts.
      tryTruncate(this.#file, this.#end);
      throw error;
    }
    this.#end += records.length;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** It has been read to its end: what was written to it after the last sound record is gone for good. */
  endRead(): void {
    const missing = this.lastSeq + 1 - this.#expected;
    if (missing > 0) this.#damaged().events += missing;
    this.close();
  }

  /** The oldest sound record with a number above `seq`; the file stands at its top afterwards. */
  firstAfter(seq: number): SpooledEvent | null {
    let found = this.next();
    while (found && found.seq <= seq) found = this.next();
    this.#rewind();
    return found;
  }

  /** The next sound record; null at the end. What is not sound is passed over and counted in {@link damage}. */
  next(): SpooledEvent | null {
    while (this.#at < this.#end) {
      const record = this.#decode();
      if (record === "damaged") {
        if (!this.#skip()) return null;
        continue;
      }
      this.#at = this.#bufferAt + record.end;
      if (record.seq > this.#expected) this.#damaged().events += record.seq - this.#expected;
      this.#expected = record.seq + 1;
      return record;
    }
    return null;
  }

  /** Highest number of a sound record; reads the whole file, and then starts again at the top. */
  readLastSeq(): number {
    let last = this.firstSeq - 1;
    for (let record = this.next(); record; record = this.next()) last = Math.max(last, record.seq);
    this.#rewind();
    return last;
  }

  #rewind(): void {
    this.damage = this.damage?.label ? { events: 0, bytesAtEnd: 0, label: true } : null;
    this.#at = this.#recordsAt;
    this.#expected = this.firstSeq;
  }

  /** Writes into the label, in place. @throws the file system's error */
  write(fields: Partial<Pick<Label, "confirmed" | "identity">>): void {
    if (!this.#label) return;
    this.#label = { ...this.#label, ...fields };
    writeAll(this.#file, encodeLabel(this.#label), 0);
  }

  /** Gives the open file back; whatever needs it again opens it again. */
  close(): void {
    if (this.#open !== null) closeSync(this.#open);
    this.#open = null;
    this.#buffer = Buffer.alloc(0);
  }

  /** Closes the file and removes it; one that is damaged is kept under another name. @returns that name */
  remove(): string | null {
    this.close();
    if (!this.damage) {
      rmSync(this.path);
      return null;
    }
    let kept = `${this.path}.damaged`;
    for (let n = 2; existsSync(kept); n++) kept = `${this.path}.damaged-${n}`;
    renameSync(this.path, kept);
    return kept;
  }

  #damaged(): Damage {
    return (this.damage ??= { events: 0, bytesAtEnd: 0, label: false });
  }

  #decode() {
    let from = this.#at - this.#bufferAt;
    if (from < 0 || from >= this.#buffer.length) {
      this.#fill(READ_BYTES);
      from = 0;
    }
    let record = decodeRecord(this.#buffer, from);
    if (record !== "damaged" && "needs" in record) {
      if (record.needs > this.#end - this.#at) return "damaged";
      this.#fill(Math.max(record.needs, READ_BYTES));
      record = decodeRecord(this.#buffer, 0);
    }
    // A second time it cannot lack bytes.
    return record !== "damaged" && "needs" in record ? "damaged" : record;
  }

  /** Goes to the next sound record behind damage. @returns false when there is none */
  #skip(): boolean {
    this.#fill(this.#end - this.#at);
    const found = findRecord(this.#buffer, 1);
    if (found !== null) {
      this.#damaged();
      this.#at += found;
      return true;
    }
    this.#damaged().bytesAtEnd = this.#end - this.#at;
    this.#at = this.#end;
    return false;
  }

  #fill(bytes: number): void {
    this.#bufferAt = this.#at;
    this.#buffer = this.#read(this.#at, Math.min(bytes, this.#end - this.#at));
  }

  #read(position: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    let read = 0;
    while (read < bytes) {
      const more = readSync(this.#file, buffer, read, bytes - read, position + read);
      if (more === 0) break;
      read += more;
    }
    return buffer.subarray(0, read);
  }
}

function tryTruncate(file: number, bytes: number): void {
  try {
    ftruncateSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** A write may be cut short by a disk that is nearly full: then the rest says why. */
function writeAll(file: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written, position + written);
}
