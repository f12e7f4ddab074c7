-- The same tables and columns as in the MySQL file of this number. Times are UTC text in the form MySQL prints:
-- `YYYY-MM-DD HH:MM:SS.mmm`. Numbers have MySQL's range: SQLite would take any, and one that no reader can hold would
-- make every query on its row fail.

CREATE TABLE batchStatus (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending','running','interrupted','completed','completed_with_errors','failed')),
  currentStage TEXT,
  totalFiles INTEGER,
  createdAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  startedAt TEXT,
  finishedAt TEXT,
  folder TEXT,
  leaseOwner TEXT,
  leaseExpiresAt TEXT
);

CREATE TABLE batchExecutionLog (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL REFERENCES batchStatus (id),
  timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
  stage TEXT NOT NULL,
  eventType TEXT NOT NULL
    CHECK (eventType IN ('stage_start','stage_progress','stage_complete','file_start','file_complete','error','info')),
  fileName TEXT,
  gpuIp TEXT,
  payload TEXT,
  response TEXT,
  status TEXT CHECK (status IN ('pending','processing','success','failed')),
  errorMessage TEXT,
  totalFiles INTEGER CHECK (totalFiles IS NULL OR (typeof(totalFiles) = 'integer' AND abs(totalFiles) <= 2147483647)),
  processedFiles INTEGER CHECK (processedFiles IS NULL OR (typeof(processedFiles) = 'integer' AND abs(processedFiles) <= 2147483647)),
  metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
  eventId TEXT UNIQUE,
  attempt INTEGER CHECK (attempt IS NULL OR (typeof(attempt) = 'integer' AND abs(attempt) <= 2147483647)),
  durationMs INTEGER CHECK (durationMs IS NULL OR (typeof(durationMs) = 'integer' AND abs(durationMs) <= 2147483647)),
  payloadBytes INTEGER GENERATED ALWAYS AS (length(CAST(payload AS BLOB))) STORED,
  responseBytes INTEGER GENERATED ALWAYS AS (length(CAST(response AS BLOB))) STORED,
  payloadCut TEXT,
  responseCut TEXT
);

CREATE INDEX batchExecutionLog_batch ON batchExecutionLog (batchId, id);

CREATE INDEX batchExecutionLog_batch_stage ON batchExecutionLog (batchId, stage, id);

CREATE INDEX batchExecutionLog_batch_file ON batchExecutionLog (batchId, fileName, id);

CREATE INDEX batchExecutionLog_stage ON batchExecutionLog (stage, timestamp);

CREATE INDEX batchExecutionLog_timestamp ON batchExecutionLog (timestamp);
