-- What people decide about trades, and what retention must not remove.

-- Only added to. One row for each thing that somebody did with the case of a trade, numbered from 1 within the case; the number is the lock of
-- those who act at once. tradeId is empty for what was done with the batch as a whole: a draw. Rows of a trade go when its events are gone.
CREATE TABLE review (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  tradeId VARCHAR(128) NOT NULL,
  number INT NOT NULL,
  what VARCHAR(20) NOT NULL,
  who VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL,
  at DATETIME(3) NOT NULL,
  reason VARCHAR(50) NULL,
  note TEXT NULL,
  verdict VARCHAR(32) NULL,
  verdictEventId BIGINT NULL,
  data TEXT NULL,
  UNIQUE KEY review_number (batchId, tradeId, number),
  KEY review_what (what, batchId, tradeId),
  CONSTRAINT review_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Only added to. A row holds something, or releases what the row of this number holds. subject: the id of the call or trade, or the code of the
-- client; null for a batch. batchId is null for a client in all batches.
CREATE TABLE retentionHold (
  number BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  releases BIGINT NULL,
  scope VARCHAR(10) NULL,
  batchId INT NULL,
  subject VARCHAR(128) NULL,
  who VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL,
  at DATETIME(3) NOT NULL,
  reason VARCHAR(1000) NOT NULL,
  UNIQUE KEY retentionHold_releases (releases),
  KEY retentionHold_batch (batchId)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The newest row of retentionHold when retention left something of the batch because it was held; null: it left nothing.
ALTER TABLE batchStatus ADD COLUMN heldBack BIGINT NULL;
