/** A trade and a call of which only what a test is about is said. */
import type { NewCall, NewTrade } from "@cofi/evidence/records";

const AT = new Date("2026-01-05T04:45:00Z");

export function plainTrade(given: Partial<NewTrade> & Pick<NewTrade, "tradeId">): NewTrade {
  return {
    orderId: null,
    orderTime: AT,
    tradeTime: null,
    clientCode: "K1",
    clientPhones: [],
    dealerId: "D1",
    exchange: null,
    symbol: "INFY",
    instrument: null,
    expiry: null,
    strike: null,
    optionType: null,
    side: "BUY",
    quantity: 1,
    lotSize: null,
    price: 1,
    orderType: null,
    orderSource: null,
    ...given,
  };
}

export function plainCall(given: Partial<NewCall> & Pick<NewCall, "callId">): NewCall {
  return {
    fileName: given.callId,
    startTime: AT,
    durationS: 10,
    direction: null,
    callerNumber: null,
    calleeNumber: null,
    extension: null,
    dealerId: null,
    clientCode: null,
    channels: null,
    ...given,
  };
}
