-- When the payloads of the batch were removed by retention; null while they are there.
ALTER TABLE batchStatus ADD COLUMN payloadsRemovedAt TEXT;
