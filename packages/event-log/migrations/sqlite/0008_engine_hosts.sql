-- Hosts that engines run on, as the runs of all batches share them.

-- One row for each engine that more than one run may use: its stage and URL. leftOutUntil: a run has left it out until then.
CREATE TABLE engineHost (
  host TEXT NOT NULL PRIMARY KEY,
  leftOutAt TEXT,
  leftOutUntil TEXT,
  leftOutBy INTEGER
);

-- How many files a run may have in work there, and how many it would like to. A row counts while its run holds the lease of its batch.
CREATE TABLE engineHostUse (
  host TEXT NOT NULL,
  batchId INTEGER NOT NULL,
  run INTEGER NOT NULL,
  slots INTEGER NOT NULL,
  wanted INTEGER NOT NULL,
  PRIMARY KEY (host, batchId)
);
