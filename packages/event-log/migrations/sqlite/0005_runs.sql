-- Each time somebody runs a batch it is a numbered run. The number only grows: it is the fencing token of the lease, and
-- every event of the run carries it. Rows of other services carry none.

-- Which database this is, for spools that must not be shipped into another one.
CREATE TABLE databaseIdentity (id TEXT NOT NULL PRIMARY KEY);

INSERT INTO databaseIdentity (id) VALUES (lower(hex(randomblob(16))));

CREATE TABLE batchRun (
  batchId INTEGER NOT NULL REFERENCES batchStatus (id),
  run INTEGER NOT NULL,
  owner TEXT NOT NULL,
  startedAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  endedAt TEXT,
  outcome TEXT,
  version TEXT NOT NULL,
  configuration TEXT NOT NULL,
  configurationSha256 TEXT NOT NULL,
  PRIMARY KEY (batchId, run)
);

ALTER TABLE batchStatus ADD COLUMN run INTEGER NOT NULL DEFAULT 0;

ALTER TABLE batchExecutionLog ADD COLUMN run INTEGER
  CHECK (run IS NULL OR (typeof(run) = 'integer' AND abs(run) <= 2147483647));

CREATE INDEX batchExecutionLog_run ON batchExecutionLog (batchId, run, id);

DROP INDEX batchExecutionLog_state;

CREATE INDEX batchExecutionLog_state ON batchExecutionLog
  (batchId, stage, fileName, id, run, eventType, status, timestamp, totalFiles, processedFiles);

DROP INDEX batchExecutionLog_replay;

CREATE INDEX batchExecutionLog_replay ON batchExecutionLog
  (batchId, id, run, stage, eventType, status, fileName, gpuIp, timestamp, totalFiles, processedFiles, attempt, durationMs);
