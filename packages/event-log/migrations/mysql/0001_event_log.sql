-- The public contract: other services insert into batchExecutionLog with plain SQL. Columns of the contract keep their
-- names and types for good; every column added here or later is nullable or has a default.
-- Names compare by bytes (utf8mb4_bin), so `A.wav` and `a.wav` are two files.

CREATE TABLE batchStatus (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(255) NULL,
  status ENUM('pending','running','interrupted','completed','completed_with_errors','failed') NOT NULL DEFAULT 'pending',
  currentStage VARCHAR(50) NULL,
  totalFiles INT NULL,
  createdAt DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  startedAt DATETIME(3) NULL,
  finishedAt DATETIME(3) NULL,
  folder VARCHAR(4096) NULL,
  leaseOwner VARCHAR(64) NULL,
  leaseExpiresAt DATETIME(3) NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE batchExecutionLog (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  timestamp DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  stage VARCHAR(50) NOT NULL,
  eventType ENUM('stage_start','stage_progress','stage_complete','file_start','file_complete','error','info') NOT NULL,
  fileName VARCHAR(255) NULL,
  gpuIp VARCHAR(50) NULL,
  payload MEDIUMTEXT NULL,
  response MEDIUMTEXT NULL,
  status ENUM('pending','processing','success','failed') NULL,
  errorMessage TEXT NULL,
  totalFiles INT NULL,
  processedFiles INT NULL,
  metadata JSON NULL,
  eventId CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  attempt INT NULL,
  durationMs INT NULL,
  payloadBytes INT GENERATED ALWAYS AS (OCTET_LENGTH(payload)) STORED,
  responseBytes INT GENERATED ALWAYS AS (OCTET_LENGTH(response)) STORED,
  payloadCut JSON NULL,
  responseCut JSON NULL,
  CONSTRAINT batchExecutionLog_of_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id),
  UNIQUE KEY batchExecutionLog_event (eventId),
  KEY batchExecutionLog_batch (batchId, id),
  KEY batchExecutionLog_batch_stage (batchId, stage, id),
  KEY batchExecutionLog_batch_file (batchId, fileName, id),
  KEY batchExecutionLog_stage (stage, timestamp),
  KEY batchExecutionLog_timestamp (timestamp)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
