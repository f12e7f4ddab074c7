-- Each time somebody runs a batch it is a numbered run. The number only grows: it is the fencing token of the lease, and
-- every event of the run carries it. Rows of other services carry none.

-- Which database this is, for spools that must not be shipped into another one.
CREATE TABLE databaseIdentity (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO databaseIdentity (id) VALUES (UUID());

-- The configuration is text, not JSON: its hash is that of its bytes.
CREATE TABLE batchRun (
  batchId INT NOT NULL,
  run INT NOT NULL,
  owner VARCHAR(64) NOT NULL,
  startedAt DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  endedAt DATETIME(3) NULL,
  outcome VARCHAR(32) NULL,
  version VARCHAR(64) NOT NULL,
  configuration MEDIUMTEXT NOT NULL,
  configurationSha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (batchId, run),
  CONSTRAINT batchRun_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

ALTER TABLE batchStatus ADD COLUMN run INT NOT NULL DEFAULT 0;

ALTER TABLE batchExecutionLog
  ADD COLUMN run INT NULL,
  ADD INDEX batchExecutionLog_run (batchId, run, id),
  DROP INDEX batchExecutionLog_state,
  ADD INDEX batchExecutionLog_state
    (batchId, stage, fileName, id, run, eventType, status, timestamp, totalFiles, processedFiles),
  DROP INDEX batchExecutionLog_replay,
  ADD INDEX batchExecutionLog_replay
    (batchId, id, run, stage, eventType, status, fileName, gpuIp, timestamp, totalFiles, processedFiles, attempt, durationMs);
