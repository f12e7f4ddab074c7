-- The words of transcripts, so that they can be searched. words: as evidence/src/search/words.ts makes them; isIndexed: 0 for transcripts of
-- earlier versions, which have none yet. What a trigger removes from the index is overwritten in the file.

ALTER TABLE transcript ADD COLUMN words TEXT;
ALTER TABLE transcript ADD COLUMN isIndexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX transcript_indexed ON transcript (isIndexed, id);

CREATE VIRTUAL TABLE transcriptWords USING fts5 (words, content = 'transcript', content_rowid = 'id', tokenize = 'ascii', prefix = '5 6 7');
INSERT INTO transcriptWords (transcriptWords, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER transcript_insertWords AFTER INSERT ON transcript WHEN new.words IS NOT NULL BEGIN INSERT INTO transcriptWords (rowid, words) VALUES (new.id, new.words); END;
CREATE TRIGGER transcript_deleteWords AFTER DELETE ON transcript WHEN old.words IS NOT NULL BEGIN INSERT INTO transcriptWords (transcriptWords, rowid, words) VALUES ('delete', old.id, old.words); END;
CREATE TRIGGER transcript_addWords AFTER UPDATE OF words ON transcript WHEN old.words IS NULL AND new.words IS NOT NULL BEGIN INSERT INTO transcriptWords (rowid, words) VALUES (new.id, new.words); END;
CREATE TRIGGER transcript_keepWords BEFORE UPDATE OF words ON transcript WHEN old.words IS NOT NULL BEGIN SELECT RAISE(ABORT, 'The words of a transcript do not change; it is removed and stored anew.'); END;

-- Where a search begins that names no batch.
CREATE INDEX trade_tradeId ON trade (tradeId);
CREATE INDEX trade_orderId ON trade (orderId);
CREATE INDEX trade_clientCode ON trade (clientCode);
CREATE INDEX callRecord_callId ON callRecord (callId);
CREATE INDEX callRecord_fileName ON callRecord (fileName);
CREATE INDEX callRecord_clientCode ON callRecord (clientCode);
CREATE INDEX callRecord_callerNumber ON callRecord (callerNumber);
CREATE INDEX callRecord_calleeNumber ON callRecord (calleeNumber);
