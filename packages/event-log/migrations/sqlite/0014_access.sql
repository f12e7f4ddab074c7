-- Who may use the dashboard, and who has looked at what.

-- Users without any server. password: algorithm, cost, salt and hash in one text.
CREATE TABLE accessUser (
  name TEXT NOT NULL PRIMARY KEY,
  role TEXT NOT NULL,
  password TEXT NOT NULL,
  createdAt TEXT NOT NULL
);

-- secretSha256: of the random id in the browser's cookie, which is stored nowhere. way: by what the user logged in.
CREATE TABLE accessSession (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  secretSha256 TEXT NOT NULL UNIQUE,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  way TEXT NOT NULL,
  createdAt TEXT NOT NULL,
  seenAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL,
  endedAt TEXT
);
CREATE INDEX accessSession_who ON accessSession (who);
CREATE INDEX accessSession_ended ON accessSession (endedAt);

-- Log-ins at an OpenID provider that have begun and not ended; each is taken once.
CREATE TABLE accessLogIn (
  secretSha256 TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  next TEXT NOT NULL,
  expiresAt TEXT NOT NULL
);

-- Secrets that were guessed at, and not found. guessed: shortened SHA-256 of an account or an address; nextAt: before that, the next guess is not
-- looked at.
CREATE TABLE accessGuess (
  guessed TEXT NOT NULL PRIMARY KEY,
  failed INTEGER NOT NULL,
  nextAt TEXT NOT NULL,
  lastAt TEXT NOT NULL
);
CREATE INDEX accessGuess_last ON accessGuess (lastAt);

-- Keys that all processes share, each made once.
CREATE TABLE accessKey (
  name TEXT NOT NULL PRIMARY KEY,
  secret TEXT NOT NULL,
  createdAt TEXT NOT NULL
);

-- Only added to. seq counts up from 1 without a gap; hash: HMAC-SHA-256 of all other columns, and so of the hash of the row before, under a key
-- that is not in the database; keyId says which.
CREATE TABLE accessLog (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  what TEXT NOT NULL,
  why TEXT NOT NULL,
  batchId INTEGER,
  request TEXT NOT NULL,
  address TEXT NOT NULL,
  keyId TEXT NOT NULL,
  previousHash TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX accessLog_who ON accessLog (who, seq);
CREATE INDEX accessLog_action ON accessLog (action, seq);
CREATE INDEX accessLog_batch ON accessLog (batchId, seq);
CREATE TRIGGER accessLog_noUpdate BEFORE UPDATE ON accessLog BEGIN SELECT RAISE(ABORT, 'The access log is only added to.'); END;
CREATE TRIGGER accessLog_noDelete BEFORE DELETE ON accessLog BEGIN SELECT RAISE(ABORT, 'The access log is only added to.'); END;
