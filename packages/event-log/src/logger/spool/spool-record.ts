/**
 * How an event lies in a spool file. Little endian:
 *
 *     0  4  magic
 *     4  4  CRC-32 of everything after it
 *     8  6  number of the event in its spool, from 1 on without gaps
 *    14  4  bytes of the head: JSON of the event without payload and response
 *    18  4  bytes of the payload; NULL when there is none
 *    22  4  bytes of the response; NULL when there is none
 *    26     head, payload, response in UTF-8
 */
import { crc32 } from "node:zlib";
import type { StoredEvent } from "../../store/event-columns.js";

export interface SpooledEvent {
  seq: number;
  event: StoredEvent;
}

/** Its first byte occurs in no UTF-8 text, so nothing that an event says looks like the start of a record. */
const MAGIC = Buffer.from([0xc0, 0xf1, 0x0e, 0xad]);
const HEADER_BYTES = 26;
const SCRATCH_BYTES = 2 * 1024 * 1024;
const NULL = 0xffff_ffff;

/** Used again for each write: fresh memory costs more than all the copying into it. */
let scratch = Buffer.alloc(0);

/** Bytes encoded and written at once. */
const WRITE_BYTES = 1024 * 1024;

/** What one read or write is about, in bytes; only the long texts count. */
export function weight(event: StoredEvent): number {
  return (event.payload?.length ?? 0) + (event.response?.length ?? 0) + (event.metadata?.length ?? 0) + 500;
}

/** How many of the events from `from` on are written at once. */
export function partLength(events: readonly StoredEvent[], from: number): number {
  let bytes = 0;
  let length = 0;
  for (; from + length < events.length && bytes < WRITE_BYTES; length++) bytes += weight(events[from + length]!);
  return length;
}

/** The records of the events, numbered from `firstSeq` on. They are good until the next call. */
export function encodeRecords(events: readonly StoredEvent[], firstSeq: number): Buffer {
  const parts = events.map(({ payload, response, ...rest }) => {
    const head = JSON.stringify(rest);
    const bytes = [Buffer.byteLength(head), byteLength(payload), byteLength(response)] as const;
    return { head, payload, response, bytes };
  });
  const size = ({ bytes: [head, payload, response] }: (typeof parts)[number]): number =>
    HEADER_BYTES + head + (payload ?? 0) + (response ?? 0);
  const bytes = parts.reduce((sum, part) => sum + size(part), 0);
  if (bytes > scratch.length || scratch.length > SCRATCH_BYTES)
    scratch = Buffer.allocUnsafeSlow(Math.max(bytes, SCRATCH_BYTES));
  const buffer = scratch.subarray(0, bytes);
  let start = 0;
  for (const [index, part] of parts.entries()) {
    const [head, payload, response] = part.bytes;
    const end = start + size(part);
    MAGIC.copy(buffer, start);
    buffer.writeUIntLE(firstSeq + index, start + 8, 6);
    buffer.writeUInt32LE(head, start + 14);
    buffer.writeUInt32LE(payload ?? NULL, start + 18);
    buffer.writeUInt32LE(response ?? NULL, start + 22);
    let at = start + HEADER_BYTES;
    at += write(buffer, part.head, at, head);
    if (part.payload !== null) at += write(buffer, part.payload, at, payload);
    if (part.response !== null) write(buffer, part.response, at, response);
    buffer.writeUInt32LE(crc32(buffer.subarray(start + 8, end)), start + 4);
    start = end;
  }
  return buffer;
}

/** A text with as many bytes as characters is ASCII, and a third of the work in Latin-1. */
function write(buffer: Buffer, text: string, at: number, bytes: number | null): number {
  return buffer.write(text, at, text.length === bytes ? "latin1" : "utf8");
}

function byteLength(text: string | null): number | null {
  return text === null ? null : Buffer.byteLength(text);
}

/** `end`: where the next record begins. */
export type Decoded = (SpooledEvent & { end: number }) | { needs: number } | "damaged";

/** The record at `start`; `needs` says how many bytes from there on it takes, when the buffer ends before it. */
export function decodeRecord(buffer: Buffer, start: number): Decoded {
  if (buffer.length - start < HEADER_BYTES) return { needs: HEADER_BYTES };
  if (buffer.compare(MAGIC, 0, 4, start, start + 4) !== 0) return "damaged";
  const [head, payload, response] = [14, 18, 22].map((at) => buffer.readUInt32LE(start + at)) as [
    number,
    number,
    number,
  ];
  const payloadAt = start + HEADER_BYTES + head;
  const responseAt = payloadAt + (payload === NULL ? 0 : payload);
  const end = responseAt + (response === NULL ? 0 : response);
  if (end > buffer.length) return { needs: end - start };
  if (crc32(buffer.subarray(start + 8, end)) !== buffer.readUInt32LE(start + 4)) return "damaged";
  const event: StoredEvent = {
    ...(JSON.parse(buffer.toString("utf8", start + HEADER_BYTES, payloadAt)) as StoredEvent),
    payload: payload === NULL ? null : buffer.toString("utf8", payloadAt, responseAt),
    response: response === NULL ? null : buffer.toString("utf8", responseAt, end),
  };
  return { seq: buffer.readUIntLE(start + 8, 6), event, end };
}

/** Where the next sound record after `from` begins; null when there is none in the buffer. */
export function findRecord(buffer: Buffer, from: number): number | null {
  for (let at = buffer.indexOf(MAGIC, from); at !== -1; at = buffer.indexOf(MAGIC, at + 1)) {
    const found = decodeRecord(buffer, at);
    if (found !== "damaged" && !("needs" in found)) return at;
  }
  return null;
}
