-- What a batch finds out. Keys are the ids of the broker's own files (call_id, trade_id), unique within a batch.

CREATE TABLE callRecord (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  callId TEXT NOT NULL,
  fileName TEXT NOT NULL,
  startTime TEXT NOT NULL,
  durationS REAL NOT NULL,
  direction TEXT,
  callerNumber TEXT,
  calleeNumber TEXT,
  extension TEXT,
  dealerId TEXT,
  clientCode TEXT,
  channels INTEGER,
  language TEXT,
  languageConfidence REAL,
  trimStartS REAL,
  trimEndS REAL,
  speechS REAL,
  audioUsable INTEGER NOT NULL DEFAULT 1,
  UNIQUE (batchId, callId),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE TABLE trade (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  tradeId TEXT NOT NULL,
  orderId TEXT,
  orderTime TEXT NOT NULL,
  tradeTime TEXT,
  clientCode TEXT NOT NULL,
  clientPhones TEXT,
  dealerId TEXT NOT NULL,
  exchange TEXT,
  symbol TEXT NOT NULL,
  instrument TEXT,
  expiry TEXT,
  strike REAL,
  optionType TEXT,
  side TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  lotSize INTEGER,
  price REAL NOT NULL,
  orderType TEXT,
  orderSource TEXT,
  triage TEXT,
  triageReason TEXT,
  triageSteps TEXT,
  verdict TEXT,
  verdictCallId TEXT,
  verdictReason TEXT,
  verdictDetail TEXT,
  UNIQUE (batchId, tradeId),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE TABLE tradeCall (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  tradeId TEXT NOT NULL,
  callId TEXT NOT NULL,
  ranking INTEGER NOT NULL,
  score REAL NOT NULL,
  phoneScore REAL NOT NULL,
  clientCodeScore REAL NOT NULL,
  dealerScore REAL NOT NULL,
  timeScore REAL NOT NULL,
  flags TEXT,
  selected INTEGER NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (batchId, tradeId, callId),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE TABLE transcript (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  callId TEXT NOT NULL,
  language TEXT,
  confidence REAL,
  model TEXT,
  text TEXT NOT NULL,
  segments TEXT NOT NULL,
  UNIQUE (batchId, callId),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE TABLE extractedTrade (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  callId TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  action TEXT NOT NULL,
  side TEXT,
  symbol TEXT,
  symbolSpoken TEXT,
  instrument TEXT,
  quantity REAL,
  unit TEXT,
  priceType TEXT,
  price REAL,
  triggerPrice REAL,
  strike REAL,
  optionType TEXT,
  expiry TEXT,
  readBack INTEGER,
  clientConfirmed INTEGER,
  confidence REAL,
  clientName TEXT,
  clientCode TEXT,
  evidence TEXT,
  UNIQUE (batchId, callId, ordinal),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE TABLE auditAnswer (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  batchId INTEGER NOT NULL,
  callId TEXT NOT NULL,
  questionId TEXT NOT NULL,
  answer TEXT NOT NULL,
  confidence REAL,
  evidence TEXT,
  rationale TEXT,
  UNIQUE (batchId, callId, questionId),
  FOREIGN KEY (batchId) REFERENCES batchStatus (id)
);

CREATE INDEX tradeCall_call ON tradeCall (batchId, callId);

CREATE INDEX callRecord_file ON callRecord (batchId, fileName);
