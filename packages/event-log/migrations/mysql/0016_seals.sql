-- What the events of a batch were when it ended, signed with a key that is not in the database.

-- Only added to, and kept when the batch is removed. seq counts up from 1 without a gap. A seal is of the events after the id afterId, up to
-- lastId; rowsSha256: of the hashes of its parts; hash: of all columns before it and of the database's identity, and so of the seal before;
-- signature: Ed25519, of the same; keyId says by which key.
CREATE TABLE batchSeal (
  seq BIGINT NOT NULL PRIMARY KEY,
  form INT NOT NULL,
  batchId INT NOT NULL,
  run INT NOT NULL,
  at DATETIME(3) NOT NULL,
  afterId BIGINT NOT NULL,
  lastId BIGINT NOT NULL,
  events BIGINT NOT NULL,
  rowsSha256 CHAR(64) NOT NULL,
  keyId CHAR(16) NOT NULL,
  previousHash CHAR(64) NOT NULL,
  hash CHAR(64) NOT NULL,
  signature CHAR(88) NOT NULL,
  KEY batchSeal_batch (batchId, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Some hundred events of a seal, a line for each. digests: the SHA-256 of each row, which is what is proven; checks: what tells which column
-- of a row was changed. They go with the events.
CREATE TABLE batchSealPart (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  firstId BIGINT NOT NULL,
  lastId BIGINT NOT NULL,
  events INT NOT NULL,
  digests MEDIUMTEXT NOT NULL,
  checks MEDIUMTEXT NOT NULL,
  sha256 CHAR(64) NOT NULL,
  UNIQUE KEY batchSealPart_first (batchId, firstId)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
