/** The columns of trades.csv. */
import {
  capitals,
  day,
  oneOf,
  optional,
  phones,
  positiveNumber,
  required,
  strikePrice,
  text,
  time,
  wholeNumber,
} from "./csv-columns.js";
import { redactPhone } from "@cofi/evidence/phone-number";

/** Exchanges write it where there is no type of option. */
const NO_OPTION = "XX";

export const TRADE_COLUMNS = {
  tradeId: required("trade_id", text(128)),
  orderId: optional("order_id", text(128)),
  orderTime: required("order_time", time),
  tradeTime: optional("trade_time", time),
  clientCode: required("client_code", capitals(64)),
  /** E.164. */
  clientPhones: optional("client_phones", phones, redactPhone),
  dealerId: required("dealer_id", text(64)),
  exchange: optional("exchange", capitals(32)),
  symbol: required("symbol", capitals(64)),
  instrument: optional("instrument", oneOf({ EQ: "EQ", FUT: "FUT", OPT: "OPT" }, NO_OPTION)),
  /** `2026-11-26`, or a month, `2026-11`. */
  expiry: optional("expiry", day),
  strike: optional("strike", strikePrice),
  optionType: optional(
    "option_type",
    oneOf({ CE: "CE", PE: "PE", CALL: "CE", PUT: "PE", C: "CE", P: "PE" }, NO_OPTION),
  ),
  side: required("side", oneOf({ BUY: "BUY", SELL: "SELL", B: "BUY", S: "SELL" })),
  /** In shares or contracts' units, as executed. */
  quantity: required("quantity", wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  lotSize: optional("lot_size", wholeNumber(1, 2_147_483_647)),
  price: required("price", positiveNumber),
  orderType: optional("order_type", capitals(16)),
  /** DEALER, ONLINE …: where the order came from. */
  orderSource: optional("order_source", capitals(32)),
};
