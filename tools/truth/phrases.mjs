/**
 * Dialogues that are made of phrases (test/truth/phrases.json): many ways to order, to change an order, to read it back, to propose
 * one, to agree and not to agree, each in a call that is otherwise plain.
 */
import { dialogueOf } from "./notation.mjs";

/** @typedef {import("./notation.mjs").Dialogue} Dialogue */
/** @typedef {import("./notation.mjs").WrittenTrade} WrittenTrade */
/**
 * @typedef {object} Phrases
 * @property {string[]} yes answers that agree
 * @property {string[]} no answers that do not
 * @property {Record<string, string>} orders what is ordered, in the notation, by the client's words
 * @property {Record<string, string>} amendments what two hundred wipro at two fifty become, by the client's words
 * @property {string[]} proposals of a dealer, of fifty titan at thirty four hundred
 * @property {string[]} readBacks of the same
 * @property {string[]} cancellations of an order that was agreed to and placed
 * @property {string[]} smallTalk that leaves it alone
 * @property {string[]} noOrders of two hundred wipro at two fifty
 */

const WIPRO = ["client: buy two hundred wipro at two fifty", "dealer: buy two hundred wipro at two fifty confirm"];
const PROPOSED = "dealer: shall i buy two hundred wipro at two fifty for you";
const NOT_TAKEN = { verdict: "NOT_CONFIRMED", ok: ["LOW_CONFIDENCE", "ORDER_NOT_IN_CALL"] };
const NOT_AGREED = { verdict: "NOT_CONFIRMED", ok: ["LOW_CONFIDENCE", "CANCELLED_IN_CALL"] };
const CANCELLED = { verdict: "CANCELLED_IN_CALL", ok: ["NOT_CONFIRMED", "LOW_CONFIDENCE"] };
const ABSENT = { verdict: "ORDER_NOT_IN_CALL", ok: ["NOT_CONFIRMED", "LOW_CONFIDENCE"] };
const LOT = 75;
/** A price for an order at market. */
const AT_MARKET = { TITAN: 3410, WIPRO: 251 };

/** @param {Phrases} phrases @returns {Dialogue[]} */
export function dialoguesOf(phrases) {
  const { yes, no, orders, amendments, proposals, readBacks, cancellations, smallTalk, noOrders } = phrases;
  const placed = (/** @type {string} */ words) => [
    ...WIPRO,
    "client: yes",
    "dealer: placed sir",
    `client: ${words}`,
    "dealer: okay sir",
  ];
  const order = "BUY 200 WIPRO @250";
  return [
    ...yes.map((answer) =>
      dialogue(`yes: ${answer}`, [...WIPRO, `client: ${answer}`], [`${order} confirmed`], {
        order,
        verdict: "CONFIRMED",
      }),
    ),
    ...no.flatMap((answer) => [
      dialogue(`no: ${answer}`, [...WIPRO, `client: ${answer}`], [`${order} unconfirmed`], { order, ...NOT_AGREED }),
      dialogue(`not taken: ${answer}`, [PROPOSED, `client: ${answer}`], [], { order, ...NOT_TAKEN }),
    ]),
    ...Object.entries(orders).map(([said, meant]) => {
      const turns = [`client: ${said}`, "dealer: okay sir shall i place the order", "client: yes place it"];
      return dialogue(`order: ${said}`, turns, [`${meant} confirmed`], {
        ...executed(said, meant),
        verdict: "CONFIRMED",
      });
    }),
    ...Object.entries(amendments).flatMap(([said, meant]) => amended(said, meant)),
    ...proposals.flatMap(proposed),
    ...readBacks.flatMap(readBack),
    ...cancellations.map((words) =>
      dialogue(`cancelled: ${words}`, placed(words), [`${order} unconfirmed`], { order, ...CANCELLED }),
    ),
    ...smallTalk.map((words) =>
      dialogue(`small talk: ${words}`, placed(words), [`${order} confirmed`], {
        order,
        verdict: "CONFIRMED",
        ok: ["LOW_CONFIDENCE"],
      }),
    ),
    ...noOrders.map((words) =>
      dialogue(`no order: ${words}`, [`client: ${words}`, "dealer: okay sir", "client: okay"], [], {
        order,
        ...ABSENT,
      }),
    ),
  ];
}

/** @param {string} id @param {string[]} turns @param {string[]} orders @param {WrittenTrade} trade */
function dialogue(id, turns, orders, trade) {
  return dialogueOf({ id, turns, orders, trades: [trade] });
}

/** The trade that executes an order as it was meant. @param {string} said @param {string} order @returns {{ order: string, lot?: number }} */
function executed(said, order) {
  const [side = "", quantity = "", ...rest] = order.split(" ");
  const isLots = rest[0] === "lots";
  const price = rest.at(-1)?.slice(1) ?? "";
  const contract = rest.slice(isLots ? 1 : 0, -1);
  const at = /market|open/.test(price) ? (contract[0] === "WIPRO" ? AT_MARKET.WIPRO : AT_MARKET.TITAN) : price;
  if (!isLots) return { order: `${side} ${quantity} ${contract.join(" ")} @${at}` };
  const expiry = said.includes("december") ? "2026-12-29" : "2026-11-24";
  return { order: `${side} ${Number(quantity) * LOT} ${contract.join(" ")} ${expiry} @${at}`, lot: LOT };
}

/** Read back and agreed to; not read back; and after the order was agreed to. @param {string} said @param {string} order */
function amended(said, order) {
  const trade = executed(said, order);
  const unheard = { ...trade, verdict: "NOT_CONFIRMED", ok: ["CONFIRMED", "LOW_CONFIDENCE"] };
  const repeated = `dealer: ${inWords(order)}`;
  return [
    dialogue(`amended: ${said}`, [...WIPRO, `client: ${said}`, repeated, "client: yes"], [`${order} confirmed`], {
      ...trade,
      verdict: "CONFIRMED",
    }),
    dialogue(
      `amended, not read back: ${said}`,
      [...WIPRO, `client: ${said}`, "dealer: okay sir", "client: thank you"],
      [`${order} unconfirmed`],
      unheard,
    ),
    dialogue(
      `amended after a yes: ${said}`,
      [...WIPRO, "client: yes", "dealer: placed", `client: ${said}`, "dealer: done sir", "client: thank you"],
      [`${order} confirmed|unconfirmed`],
      unheard,
    ),
  ];
}

/** @type {Record<string, string>} */
const WORDS = {
  100: "one hundred",
  200: "two hundred",
  300: "three hundred",
  "@248": "at two forty eight",
  "@250": "at two fifty",
  "@252": "at two fifty two",
  "@market": "at market",
  INFY: "infosys",
};

/** `SELL 200 INFY @250` as a dealer reads it back. @param {string} order */
function inWords(order) {
  return order
    .split(" ")
    .map((word) => WORDS[word] ?? word.toLowerCase())
    .join(" ");
}

/** @param {string} words */
function proposed(words) {
  const turns = (/** @type {string} */ answer) => [`dealer: ${words}`, `client: ${answer}`];
  const order = "BUY 50 TITAN @3399";
  return [
    ...["yes please go ahead", "okay buy", "haan le lo", "yes"].map((answer) =>
      dialogue(`${words}: ${answer}`, turns(answer), ["BUY 50 TITAN @3400 confirmed proposed"], {
        order,
        verdict: "CONFIRMED",
        ok: ["LOW_CONFIDENCE", "NOT_CONFIRMED"],
        proposed: true,
      }),
    ),
    ...["no not now", "no", "nahi rehne do", "let me think", "what is the market doing"].map((answer) =>
      dialogue(`${words}: ${answer}`, turns(answer), [], { order, ...NOT_TAKEN }),
    ),
  ];
}

/** As it was read back; more than that; and at a worse price. @param {string} words */
function readBack(words) {
  const turns = ["client: buy fifty titan at thirty four hundred", `dealer: ${words}`, "client: yes"];
  const orders = ["BUY 50 TITAN @3400 confirmed"];
  const ok = ["LOW_CONFIDENCE"];
  return [
    dialogue(`read back: ${words}`, turns, orders, { order: "BUY 50 TITAN @3400", verdict: "CONFIRMED" }),
    dialogue(`more than: ${words}`, turns, orders, { order: "BUY 500 TITAN @3400", verdict: "MISMATCH[QTY]", ok }),
    dialogue(`worse than: ${words}`, turns, orders, { order: "BUY 50 TITAN @3450", verdict: "MISMATCH[PRICE]", ok }),
  ];
}
