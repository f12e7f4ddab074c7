-- The list of trades is filtered, counted and sorted on this index alone: rows of trades hold kilobytes of reasons.
CREATE INDEX trade_list ON trade
  (batchId, verdict, orderTime, tradeId, triage, side, symbol, dealerId, clientCode, quantity, price, orderId, verdictCallId);

-- The fills of an order.
CREATE INDEX trade_order ON trade (batchId, orderId);
