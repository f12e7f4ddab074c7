-- The words of transcripts, so that they can be searched. words: as evidence/src/search/words.ts makes them; isIndexed: 0 for transcripts of
-- earlier versions, which have none yet.

ALTER TABLE transcript
  ADD COLUMN words LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN isIndexed TINYINT NOT NULL DEFAULT 0,
  ADD KEY transcript_indexed (isIndexed, id);

ALTER TABLE transcript ADD FULLTEXT KEY transcript_words (words);

-- Where a search begins that names no batch.
ALTER TABLE trade
  ADD KEY trade_tradeId (tradeId),
  ADD KEY trade_orderId (orderId),
  ADD KEY trade_clientCode (clientCode);

ALTER TABLE callRecord
  ADD KEY callRecord_callId (callId),
  ADD KEY callRecord_fileName (fileName),
  ADD KEY callRecord_clientCode (clientCode),
  ADD KEY callRecord_callerNumber (callerNumber),
  ADD KEY callRecord_calleeNumber (calleeNumber);
