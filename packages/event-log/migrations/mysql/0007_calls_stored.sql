-- SHA-256 of what the step `calls` has stored of the batch: a run that continues it stores the same again only where it differs.
ALTER TABLE batchStatus ADD COLUMN callsSha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
