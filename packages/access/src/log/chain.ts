/**
 * What chains the rows of the access log: each carries a hash over itself and over that of the row before, so that none can be changed, removed
 * or put in unseen; and the hash is made with a key that is not in the database, so that nobody can compute it who has the database alone.
 */
import type { Tables } from "@cofi/event-log/tables";

/** A row as it is stored, without its hash. */
export type ChainedRow = Omit<Tables["accessLog"], "hash">;

/** The hash before the first row. */
export const NO_HASH = "0".repeat(64);

/** @param sign HMAC-SHA-256; it gets the JSON list of all values, in this order */
export function hashOfRow(row: ChainedRow, sign: (text: string) => string): string {
  const { seq, at, who, role, action, what, why, batchId, request, address, keyId, previousHash } = row;
  return sign(JSON.stringify([seq, at, who, role, action, what, why, batchId, request, address, keyId, previousHash]));
}
