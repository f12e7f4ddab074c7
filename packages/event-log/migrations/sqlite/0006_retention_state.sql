-- What retention has done and what it still has to do: a run that was stopped, or that could not reach a host, is finished by
-- the next one.

-- Payloads and responses of events up to this id are removed.
ALTER TABLE batchStatus ADD COLUMN payloadsRemovedTo INTEGER;

-- One row. Owner: the process that prunes, until expiresAt. tracesSince: rows were removed, and their content may still be
-- readable in the file, because it has not been rewritten since.
CREATE TABLE retention (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  owner TEXT,
  expiresAt TEXT,
  tracesSince TEXT
);

-- The versions before removed rows and left their content in the file.
INSERT INTO retention (id, tracesSince)
  SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM sqlite_sequence WHERE seq > 0) THEN strftime('%Y-%m-%d %H:%M:%f', 'now') END;

-- Where recordings of a batch lie, and what was derived from them. A row stays until they are removed there, also when the
-- batch is gone.
CREATE TABLE recordingPlace (
  batchId INTEGER NOT NULL,
  place TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (batchId, place)
);

-- Batches that retention has removed: what is found of them elsewhere goes too.
CREATE TABLE removedBatch (
  batchId INTEGER NOT NULL PRIMARY KEY,
  createdAt TEXT NOT NULL,
  removedAt TEXT NOT NULL
);
