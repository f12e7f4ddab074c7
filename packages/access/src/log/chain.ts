/** What chains the rows of the access log: each carries the hash of the one before, so that none can be changed, removed or put in unseen. */
import { sha256 } from "../secrets.js";

/** A row as it is stored, without its hash. */
export interface ChainedRow {
  seq: number;
  /** UTC, as the database has it. */
  at: string;
  who: string;
  role: string;
  action: string;
  what: string;
  why: string;
  batchId: number | null;
  request: string;
  address: string;
  previousHash: string;
}

/** The hash before the first row. */
export const NO_HASH = "0".repeat(64);

/** SHA-256 of the JSON list of all values, in this order. */
export function hashOfRow(row: ChainedRow): string {
  const { seq, at, who, role, action, what, why, batchId, request, address, previousHash } = row;
  return sha256(JSON.stringify([seq, at, who, role, action, what, why, batchId, request, address, previousHash]));
}
