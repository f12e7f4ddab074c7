-- What a batch finds out. Keys are the ids of the broker's own files (call_id, trade_id), unique within a batch.

CREATE TABLE callRecord (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  callId VARCHAR(128) NOT NULL,
  fileName VARCHAR(255) NOT NULL,
  startTime DATETIME(3) NOT NULL,
  durationS DOUBLE NOT NULL,
  direction VARCHAR(8) NULL,
  callerNumber VARCHAR(32) NULL,
  calleeNumber VARCHAR(32) NULL,
  extension VARCHAR(32) NULL,
  dealerId VARCHAR(64) NULL,
  clientCode VARCHAR(64) NULL,
  channels INT NULL,
  language VARCHAR(16) NULL,
  languageConfidence DOUBLE NULL,
  trimStartS DOUBLE NULL,
  trimEndS DOUBLE NULL,
  speechS DOUBLE NULL,
  audioUsable TINYINT NOT NULL DEFAULT 1,
  UNIQUE KEY callRecord_call (batchId, callId),
  CONSTRAINT callRecord_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE trade (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  tradeId VARCHAR(128) NOT NULL,
  orderId VARCHAR(128) NULL,
  orderTime DATETIME(3) NOT NULL,
  tradeTime DATETIME(3) NULL,
  clientCode VARCHAR(64) NOT NULL,
  clientPhones JSON NULL,
  dealerId VARCHAR(64) NOT NULL,
  exchange VARCHAR(32) NULL,
  symbol VARCHAR(64) NOT NULL,
  instrument VARCHAR(8) NULL,
  expiry VARCHAR(32) NULL,
  strike DOUBLE NULL,
  optionType VARCHAR(4) NULL,
  side VARCHAR(4) NOT NULL,
  quantity BIGINT NOT NULL,
  lotSize INT NULL,
  price DOUBLE NOT NULL,
  orderType VARCHAR(16) NULL,
  orderSource VARCHAR(32) NULL,
  triage VARCHAR(32) NULL,
  triageReason TEXT NULL,
  verdict VARCHAR(32) NULL,
  verdictCallId VARCHAR(128) NULL,
  verdictReason TEXT NULL,
  verdictDetail JSON NULL,
  UNIQUE KEY trade_trade (batchId, tradeId),
  CONSTRAINT trade_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE tradeCall (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  tradeId VARCHAR(128) NOT NULL,
  callId VARCHAR(128) NOT NULL,
  ranking INT NOT NULL,
  score DOUBLE NOT NULL,
  phoneScore DOUBLE NOT NULL,
  clientCodeScore DOUBLE NOT NULL,
  dealerScore DOUBLE NOT NULL,
  timeScore DOUBLE NOT NULL,
  selected TINYINT NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE KEY tradeCall_pair (batchId, tradeId, callId),
  KEY tradeCall_call (batchId, callId),
  CONSTRAINT tradeCall_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE transcript (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  callId VARCHAR(128) NOT NULL,
  language VARCHAR(16) NULL,
  confidence DOUBLE NULL,
  model VARCHAR(255) NULL,
  text MEDIUMTEXT NOT NULL,
  segments MEDIUMTEXT NOT NULL,
  UNIQUE KEY transcript_call (batchId, callId),
  CONSTRAINT transcript_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE extractedTrade (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  callId VARCHAR(128) NOT NULL,
  ordinal INT NOT NULL,
  action VARCHAR(8) NOT NULL,
  side VARCHAR(4) NULL,
  symbol VARCHAR(64) NULL,
  symbolSpoken VARCHAR(255) NULL,
  instrument VARCHAR(8) NULL,
  quantity DOUBLE NULL,
  unit VARCHAR(8) NULL,
  priceType VARCHAR(8) NULL,
  price DOUBLE NULL,
  triggerPrice DOUBLE NULL,
  strike DOUBLE NULL,
  optionType VARCHAR(4) NULL,
  expiry VARCHAR(32) NULL,
  readBack TINYINT NULL,
  clientConfirmed TINYINT NULL,
  confidence DOUBLE NULL,
  evidence JSON NULL,
  UNIQUE KEY extractedTrade_ordinal (batchId, callId, ordinal),
  CONSTRAINT extractedTrade_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE auditAnswer (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  batchId INT NOT NULL,
  callId VARCHAR(128) NOT NULL,
  questionId VARCHAR(64) NOT NULL,
  answer VARCHAR(8) NOT NULL,
  confidence DOUBLE NULL,
  evidence JSON NULL,
  rationale TEXT NULL,
  UNIQUE KEY auditAnswer_question (batchId, callId, questionId),
  CONSTRAINT auditAnswer_batch FOREIGN KEY (batchId) REFERENCES batchStatus (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
