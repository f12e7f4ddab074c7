-- Hosts that engines run on, as the runs of all batches share them.

-- One row for each engine that more than one run may use: its stage and URL. leftOutUntil: a run has left it out until then.
CREATE TABLE engineHost (
  host VARCHAR(600) NOT NULL PRIMARY KEY,
  leftOutAt DATETIME(3) NULL,
  leftOutUntil DATETIME(3) NULL,
  leftOutBy INT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How many files a run may have in work there, and how many it would like to. A row counts while its run holds the lease of its batch.
CREATE TABLE engineHostUse (
  host VARCHAR(600) NOT NULL,
  batchId INT NOT NULL,
  run INT NOT NULL,
  slots INT NOT NULL,
  wanted INT NOT NULL,
  PRIMARY KEY (host, batchId)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
