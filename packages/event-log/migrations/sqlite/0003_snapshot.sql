-- Two indexes that hold all that the cards are counted from and the detail is folded from: rows with kilobytes of payload
-- need not be read for it. They take the place of two that were shorter.

CREATE INDEX batchExecutionLog_state ON batchExecutionLog
  (batchId, stage, fileName, id, eventType, status, timestamp, totalFiles, processedFiles);

CREATE INDEX batchExecutionLog_replay ON batchExecutionLog
  (batchId, id, stage, eventType, status, fileName, gpuIp, timestamp, totalFiles, processedFiles, attempt, durationMs);

CREATE INDEX batchExecutionLog_batch_stage_time ON batchExecutionLog (batchId, stage, timestamp);

DROP INDEX batchExecutionLog_batch;

DROP INDEX batchExecutionLog_stage;
