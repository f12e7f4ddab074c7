-- What people decide about trades, and what retention must not remove.

-- Only added to. One row for each thing that somebody did with the case of a trade, numbered from 1 within the case; the number is the lock of
-- those who act at once. tradeId is empty for what was done with the batch as a whole: a draw. Rows of a trade go when its events are gone.
CREATE TABLE review (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  tradeId TEXT NOT NULL,
  number INTEGER NOT NULL,
  what TEXT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  at TEXT NOT NULL,
  reason TEXT,
  note TEXT,
  verdict TEXT,
  verdictEventId INTEGER,
  data TEXT,
  UNIQUE (batchId, tradeId, number),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);
CREATE INDEX review_what ON review (what, batchId, tradeId);
CREATE TRIGGER review_noUpdate BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, 'The reviews are only added to.'); END;
CREATE TRIGGER review_noDelete BEFORE DELETE ON review
  WHEN EXISTS (SELECT 1 FROM batchExecutionLog WHERE batchId = OLD.batchId AND fileName = OLD.tradeId)
  BEGIN SELECT RAISE(ABORT, 'The reviews of a trade stay as long as its events.'); END;

-- Only added to. A row holds something, or releases what the row of this number holds. subject: the id of the call or trade, or the code of the
-- client; null for a batch. batchId is null for a client in all batches.
CREATE TABLE retentionHold (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  releases INTEGER UNIQUE,
  scope TEXT,
  batchId INTEGER,
  subject TEXT,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  at TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX retentionHold_batch ON retentionHold (batchId);
CREATE TRIGGER retentionHold_noUpdate BEFORE UPDATE ON retentionHold BEGIN SELECT RAISE(ABORT, 'The holds are only added to.'); END;
CREATE TRIGGER retentionHold_noDelete BEFORE DELETE ON retentionHold
  WHEN OLD.batchId IS NULL OR EXISTS (SELECT 1 FROM batchStatus WHERE id = OLD.batchId)
  BEGIN SELECT RAISE(ABORT, 'The holds of a batch stay as long as the batch.'); END;

-- The newest row of retentionHold when retention left something of the batch because it was held; null: it left nothing.
ALTER TABLE batchStatus ADD COLUMN heldBack INTEGER;
