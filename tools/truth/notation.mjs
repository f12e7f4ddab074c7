/**
 * The notation of labelled dialogues (test/truth/dialogues.json): what was said, and what is right about it.
 *
 * An order reads `BUY 200 WIPRO @250 confirmed`, `SELL 2 lots NIFTY 24000 PE expiry:december @market unconfirmed proposed`; values that are
 * all right stand with a bar between them (`@3620|open`). `proposed` says that the dealer spoke of it first.
 */

/** @typedef {"dealer" | "client"} Speaker */
/** @typedef {{ speaker: Speaker, text: string }} Turn */
/**
 * @typedef {object} SpokenOrder
 * @property {string[]} sides any of them is right; none: whatever it is
 * @property {number[]} quantities
 * @property {"SHARES" | "LOTS" | null} unit
 * @property {string[]} symbols
 * @property {number | null} strike
 * @property {"CE" | "PE" | null} optionType
 * @property {boolean} isFuture
 * @property {string | null} expiry
 * @property {(number | "market" | "open")[]} prices none: whatever it is
 * @property {boolean[]} confirmed
 * @property {boolean} isProposed
 */
/**
 * @typedef {object} ExecutedTrade
 * @property {"BUY" | "SELL"} side
 * @property {number} quantity
 * @property {string} symbol as trades.csv has it
 * @property {"EQ" | "FUT" | "OPT" | null} instrument
 * @property {number | null} strike
 * @property {"CE" | "PE" | null} optionType
 * @property {string | null} expiry
 * @property {number} price
 * @property {number | null} lotSize
 * @property {string | null} client null: whoever is heard
 * @property {number} afterS from the end of the call to the order
 * @property {string} verdict as `MISMATCH[QTY]`
 * @property {string[]} ok verdicts that are acceptable, too
 * @property {boolean} isProposed the dealer spoke of it first, so that without speakers nobody knows who agreed
 */
/**
 * @typedef {object} Dialogue
 * @property {string} id
 * @property {Turn[]} turns
 * @property {SpokenOrder[] | null} orders null: not labelled
 * @property {string[]} never orders that must not be found, as `SYMBOL QUANTITY` or as a symbol
 * @property {string[]} unconfirmed symbols of which no order may count as confirmed; `*` for all
 * @property {ExecutedTrade[]} trades
 * @property {boolean} isJudged whether verdicts are labelled; else whatever is found, executed as found, must not be confirmed
 * @property {Record<string, string>} symbols company names by symbol, as a symbol master has them
 * @property {string[]} clients codes that the batch knows, beside those of the trades
 * @property {Record<string, string>} audit answers by question
 */

const DEFAULT_CLIENT = "AB1234";

/** @param {string} line @returns {Turn} */
function turnOf(line) {
  const [speaker, ...text] = line.split(": ");
  if (speaker !== "dealer" && speaker !== "client") throw new Error(`"${line}" does not say who speaks.`);
  return { speaker, text: text.join(": ") };
}

/** @param {string} text @returns {SpokenOrder} */
export function spokenOrder(text) {
  const words = text.split(" ");
  /** @type {SpokenOrder} */
  const order = {
    sides: [],
    quantities: [],
    unit: "SHARES",
    symbols: [],
    strike: null,
    optionType: null,
    isFuture: false,
    expiry: null,
    prices: [],
    confirmed: [],
    isProposed: false,
  };
  for (const word of words) {
    if (/^(BUY|SELL)$/.test(word)) order.sides = [word];
    else if (word === "lots") order.unit = "LOTS";
    else if (word === "CE" || word === "PE") order.optionType = word;
    else if (word === "FUT") order.isFuture = true;
    else if (word === "proposed") order.isProposed = true;
    else if (word.startsWith("expiry:")) order.expiry = word.slice("expiry:".length);
    else if (word.startsWith("@"))
      order.prices = word
        .slice(1)
        .split("|")
        .map((price) => (price === "market" || price === "open" ? price : Number(price)));
    else if (/^(un)?confirmed/.test(word)) order.confirmed = word.split("|").map((each) => each === "confirmed");
    else if (/^[\d|]+$/.test(word)) {
      if (order.quantities.length === 0) order.quantities = word.split("|").map(Number);
      else order.strike = Number(word);
    } else order.symbols = word.split("|");
  }
  return order;
}

/**
 * @typedef {object} WrittenTrade
 * @property {string} order `BUY 105 BANKNIFTY 51500 PE 2026-11-26 @238`
 * @property {string} verdict
 * @property {string[]} [ok]
 * @property {string} [symbol] in place of the one in `order`, for one with blanks
 * @property {string} [client]
 * @property {number} [lot]
 * @property {number} [after]
 * @property {boolean} [proposed]
 */

/** @param {WrittenTrade} written @returns {ExecutedTrade} */
export function executedTrade({ order, verdict, ok = [], symbol, client, lot, after = 20, proposed = false }) {
  const words = order.split(" ");
  const expiry = words.find((word) => /^\d{4}-\d\d-\d\d$/.test(word)) ?? null;
  const spoken = spokenOrder(words.filter((word) => word !== expiry && word !== "EQ").join(" "));
  const isTradingSymbol = /\d/.test(spoken.symbols[0] ?? "");
  const instrument = spoken.isFuture ? "FUT" : spoken.strike !== null ? "OPT" : isTradingSymbol ? null : "EQ";
  const [price] = spoken.prices;
  return {
    side: spoken.sides[0] === "SELL" ? "SELL" : "BUY",
    quantity: spoken.quantities[0] ?? 0,
    symbol: symbol ?? spoken.symbols[0] ?? "",
    instrument,
    strike: spoken.strike,
    optionType: spoken.optionType,
    expiry,
    price: typeof price === "number" ? price : 0,
    lotSize: lot ?? null,
    client: client ?? DEFAULT_CLIENT,
    afterS: after,
    verdict,
    ok,
    isProposed: proposed,
  };
}

/**
 * @param {{ id: string, turns: string[], orders: string[], trades?: WrittenTrade[], symbols?: Record<string, string>,
 *   clients?: string[], audit?: Record<string, string> }} written
 * @returns {Dialogue}
 */
export function dialogueOf({ id, turns, orders, trades = [], symbols = {}, clients = [], audit = {} }) {
  return {
    id,
    turns: turns.map(turnOf),
    orders: orders.map(spokenOrder),
    never: [],
    unconfirmed: [],
    trades: trades.map(executedTrade),
    isJudged: true,
    symbols,
    clients,
    audit,
  };
}
