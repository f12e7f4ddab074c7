/** The tables of seals as kysely sees them; the SQL that makes them is in `migrations/`. */
import type { Generated } from "kysely";

interface BatchSealTable {
  /** Counts up from 1 without a gap. */
  seq: number;
  /** Of the canonical form of rows. */
  form: number;
  batchId: number;
  run: number;
  /** UTC, as the database has it. */
  at: string;
  /** The seal is of events with a higher id, up to `lastId`. */
  afterId: number;
  lastId: number;
  events: number;
  rowsSha256: string;
  /** Of the key that made `signature`. */
  keyId: string;
  previousHash: string;
  hash: string;
  /** Base64. */
  signature: string;
}

interface BatchSealPartTable {
  id: Generated<number>;
  batchId: number;
  firstId: number;
  lastId: number;
  events: number;
  digests: string;
  checks: string;
  sha256: string;
}

export interface SealTables {
  batchSeal: BatchSealTable;
  batchSealPart: BatchSealPartTable;
}
