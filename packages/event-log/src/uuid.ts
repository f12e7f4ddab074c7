import { randomFillSync } from "node:crypto";

/** Randomness for 256 ids at once: asking for each by itself takes longer than all the rest of an event. */
const pool = Buffer.alloc(256 * 16);
let used = pool.length;

/** UUID version 7 (RFC 9562, section 5.7): begins with the time, so that the unique index grows at its end. */
export function uuidv7(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, (used += 16));
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
