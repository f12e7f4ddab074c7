-- What the events of a batch were when it ended, signed with a key that is not in the database.

-- Only added to, and kept when the batch is removed. seq counts up from 1 without a gap. A seal is of the events after the id afterId, up to
-- lastId; rowsSha256: of the hashes of its parts; hash: of all columns before it and of the database's identity, and so of the seal before;
-- signature: Ed25519, of the same; keyId says by which key.
CREATE TABLE batchSeal (
  seq INTEGER PRIMARY KEY,
  form INTEGER NOT NULL,
  batchId INTEGER NOT NULL,
  run INTEGER NOT NULL,
  at TEXT NOT NULL,
  afterId INTEGER NOT NULL,
  lastId INTEGER NOT NULL,
  events INTEGER NOT NULL,
  rowsSha256 TEXT NOT NULL,
  keyId TEXT NOT NULL,
  previousHash TEXT NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT NOT NULL
);
CREATE INDEX batchSeal_batch ON batchSeal (batchId, seq);
CREATE TRIGGER batchSeal_noUpdate BEFORE UPDATE ON batchSeal BEGIN SELECT RAISE(ABORT, 'Seals are only added to.'); END;
CREATE TRIGGER batchSeal_noDelete BEFORE DELETE ON batchSeal BEGIN SELECT RAISE(ABORT, 'Seals are only added to.'); END;

-- Some hundred events of a seal, a line for each. digests: the SHA-256 of each row, which is what is proven; checks: what tells which column
-- of a row was changed. They go with the events.
CREATE TABLE batchSealPart (
  id INTEGER PRIMARY KEY,
  batchId INTEGER NOT NULL,
  firstId INTEGER NOT NULL,
  lastId INTEGER NOT NULL,
  events INTEGER NOT NULL,
  digests TEXT NOT NULL,
  checks TEXT NOT NULL,
  sha256 TEXT NOT NULL
);
CREATE UNIQUE INDEX batchSealPart_first ON batchSealPart (batchId, firstId);
CREATE TRIGGER batchSealPart_noUpdate BEFORE UPDATE ON batchSealPart BEGIN SELECT RAISE(ABORT, 'Seals are only added to.'); END;
