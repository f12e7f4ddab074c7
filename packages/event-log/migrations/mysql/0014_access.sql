-- Who may use the dashboard, and who has looked at what.

-- Users without any server. password: algorithm, cost, salt and hash in one text.
CREATE TABLE accessUser (
  name VARCHAR(100) NOT NULL PRIMARY KEY,
  role VARCHAR(20) NOT NULL,
  password VARCHAR(255) NOT NULL,
  createdAt DATETIME(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- secretSha256: of the random id in the browser's cookie, which is stored nowhere. way: by what the user logged in.
CREATE TABLE accessSession (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  secretSha256 CHAR(64) NOT NULL,
  who VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL,
  way VARCHAR(100) NOT NULL,
  createdAt DATETIME(3) NOT NULL,
  seenAt DATETIME(3) NOT NULL,
  expiresAt DATETIME(3) NOT NULL,
  endedAt DATETIME(3) NULL,
  UNIQUE KEY accessSession_secret (secretSha256),
  KEY accessSession_who (who),
  KEY accessSession_ended (endedAt)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Log-ins at an OpenID provider that have begun and not ended; each is taken once.
CREATE TABLE accessLogIn (
  secretSha256 CHAR(64) NOT NULL PRIMARY KEY,
  state VARCHAR(100) NOT NULL,
  nonce VARCHAR(100) NOT NULL,
  verifier VARCHAR(128) NOT NULL,
  next TEXT NOT NULL,
  expiresAt DATETIME(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Secrets that were guessed at, and not found. guessed: shortened SHA-256 of an account or an address; nextAt: before that, the next guess is not
-- looked at.
CREATE TABLE accessGuess (
  guessed CHAR(12) NOT NULL PRIMARY KEY,
  failed INT NOT NULL,
  nextAt DATETIME(3) NOT NULL,
  lastAt DATETIME(3) NOT NULL,
  KEY accessGuess_last (lastAt)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Keys that all processes share, each made once.
CREATE TABLE accessKey (
  name VARCHAR(50) NOT NULL PRIMARY KEY,
  secret VARCHAR(255) NOT NULL,
  createdAt DATETIME(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Only added to. seq counts up from 1 without a gap; hash: HMAC-SHA-256 of all other columns, and so of the hash of the row before, under a key
-- that is not in the database; keyId says which.
CREATE TABLE accessLog (
  seq BIGINT NOT NULL PRIMARY KEY,
  at DATETIME(3) NOT NULL,
  who VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL,
  action VARCHAR(30) NOT NULL,
  what VARCHAR(500) NOT NULL,
  why VARCHAR(1000) NOT NULL,
  batchId INT NULL,
  request VARCHAR(64) NOT NULL,
  address VARCHAR(64) NOT NULL,
  keyId CHAR(16) NOT NULL,
  previousHash CHAR(64) NOT NULL,
  hash CHAR(64) NOT NULL,
  KEY accessLog_who (who, seq),
  KEY accessLog_action (action, seq),
  KEY accessLog_batch (batchId, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
