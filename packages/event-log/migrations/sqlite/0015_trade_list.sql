-- The list of trades is filtered, counted and sorted on this index alone: rows of trades hold kilobytes of reasons.
CREATE INDEX trade_list ON trade
  (batchId, verdict, orderTime, tradeId, triage, side, symbol, dealerId, clientCode, quantity, price, orderId, verdictCallId);

-- The trades of a client, a dealer, a symbol or a call, and the fills of an order.
CREATE INDEX trade_client ON trade (batchId, clientCode);
CREATE INDEX trade_dealer ON trade (batchId, dealerId);
CREATE INDEX trade_symbol ON trade (batchId, symbol);
CREATE INDEX trade_call ON trade (batchId, verdictCallId);

CREATE INDEX trade_order ON trade (batchId, orderId);
