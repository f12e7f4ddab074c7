-- What retention has done and what it still has to do: a run that was stopped, or that could not reach a host, is finished by
-- the next one.

-- Payloads and responses of events up to this id are removed.
ALTER TABLE batchStatus ADD COLUMN payloadsRemovedTo BIGINT NULL;

-- One row. Owner: the process that prunes, until expiresAt. tracesSince: rows were removed, and their content may still be
-- readable in the file; a server decides by itself when it uses the space again.
CREATE TABLE retention (
  id TINYINT NOT NULL PRIMARY KEY,
  owner VARCHAR(64) NULL,
  expiresAt DATETIME(3) NULL,
  tracesSince DATETIME(3) NULL,
  CONSTRAINT retention_one CHECK (id = 1)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO retention (id) VALUES (1);

-- Where recordings of a batch lie, and what was derived from them. A row stays until they are removed there, also when the
-- batch is gone.
CREATE TABLE recordingPlace (
  batchId INT NOT NULL,
  place VARCHAR(512) NOT NULL,
  description VARCHAR(1024) NOT NULL,
  PRIMARY KEY (batchId, place)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Batches that retention has removed: what is found of them elsewhere goes too.
CREATE TABLE removedBatch (
  batchId INT NOT NULL PRIMARY KEY,
  createdAt DATETIME(3) NOT NULL,
  removedAt DATETIME(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
