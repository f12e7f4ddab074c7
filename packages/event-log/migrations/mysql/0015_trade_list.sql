-- The list of trades is filtered, counted and sorted on this index alone: rows of trades hold kilobytes of reasons.
ALTER TABLE trade
  ADD KEY trade_list
    (batchId, verdict, orderTime, tradeId, triage, side, symbol, dealerId, clientCode, quantity, price, orderId, verdictCallId),
  ADD KEY trade_client (batchId, clientCode),
  ADD KEY trade_dealer (batchId, dealerId),
  ADD KEY trade_symbol (batchId, symbol),
  ADD KEY trade_call (batchId, verdictCallId),
  ADD KEY trade_order (batchId, orderId);
