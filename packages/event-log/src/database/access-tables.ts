/** The tables of access as kysely sees them; the SQL that makes them is in `migrations/`. Times are UTC text. */
import type { Generated } from "kysely";

interface AccessUserTable {
  name: string;
  role: string;
  /** Algorithm, cost, salt and hash. */
  password: string;
  createdAt: string;
}

interface AccessSessionTable {
  id: Generated<number>;
  /** Hex, of the random id in the browser's cookie. */
  secretSha256: string;
  who: string;
  role: string;
  way: string;
  createdAt: string;
  seenAt: string;
  expiresAt: string;
  endedAt: string | null;
}

interface AccessLogInTable {
  secretSha256: string;
  state: string;
  nonce: string;
  verifier: string;
  next: string;
  expiresAt: string;
}

interface AccessLogTable {
  /** Counts up from 1 without a gap. */
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
  /** Of the key that made `hash`. */
  keyId: string;
  previousHash: string;
  hash: string;
}

interface AccessGuessTable {
  /** Shortened SHA-256 of what guesses are counted by. */
  guessed: string;
  failed: number;
  /** Before that, the next guess is not looked at. */
  nextAt: string;
  lastAt: string;
}

export interface AccessTables {
  accessUser: AccessUserTable;
  accessSession: AccessSessionTable;
  accessLogIn: AccessLogInTable;
  accessGuess: AccessGuessTable;
  accessKey: { name: string; secret: string; createdAt: string };
  accessLog: AccessLogTable;
}
