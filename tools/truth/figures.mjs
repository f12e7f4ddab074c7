/** Compares what was heard in labelled dialogues with what is right, and counts. */
import { hear } from "./hearing.mjs";

/** @typedef {import("./notation.mjs").Dialogue} Dialogue */
/** @typedef {import("./notation.mjs").SpokenOrder} SpokenOrder */
/** @typedef {import("./hearing.mjs").Mode} Mode */
/** @typedef {import("./hearing.mjs").Heard} Heard */
/** @typedef {import("@cofi/pipeline/engine-contract").ExtractedTrade} ExtractedTrade */

/**
 * @typedef {object} Figures
 * @property {number} dialogues
 * @property {number} trades with a labelled verdict
 * @property {number} falseConfirmed
 * @property {number} falseMismatch
 * @property {number} falseAbsence ORDER_NOT_IN_CALL or NO_VOICE_EVIDENCE where the order was spoken of
 * @property {number} lowConfidence asked a person where it was not the best answer
 * @property {number} exact the labelled verdict
 * @property {number} acceptable that, or one that is acceptable, too
 * @property {number} expected orders
 * @property {number} found orders
 * @property {number} right orders found
 * @property {number} confirmations of the right orders
 * @property {number} rightConfirmations
 * @property {number} questions
 * @property {number} rightAnswers
 */

/** @typedef {{ dialogue: Dialogue, mode: Mode, heard: Heard, complaints: string[] }} Failure */

/** @returns {Figures} */
function nothing() {
  return {
    dialogues: 0,
    trades: 0,
    falseConfirmed: 0,
    falseMismatch: 0,
    falseAbsence: 0,
    lowConfidence: 0,
    exact: 0,
    acceptable: 0,
    expected: 0,
    found: 0,
    right: 0,
    confirmations: 0,
    rightConfirmations: 0,
    questions: 0,
    rightAnswers: 0,
  };
}

/** @param {readonly Dialogue[]} dialogues @param {Mode} mode @returns {Promise<{ figures: Figures, failures: Failure[] }>} */
export async function measure(dialogues, mode) {
  const figures = nothing();
  /** @type {Failure[]} */
  const failures = [];
  for (const dialogue of dialogues) {
    const heard = await hear(dialogue, mode);
    /** @type {string[]} */
    const complaints = [];
    figures.dialogues += 1;
    countVerdicts(figures, dialogue, mode, heard, complaints);
    // The whole call in one segment is about safety alone: nobody can tell its turns apart.
    if (mode !== "merged") {
      countOrders(figures, dialogue, mode, heard, complaints);
      countAnswers(figures, dialogue, heard, complaints);
    }
    if (complaints.length > 0) failures.push({ dialogue, mode, heard, complaints });
  }
  return { figures, failures };
}

/** @param {Figures} figures @param {Dialogue} dialogue @param {Mode} mode @param {Heard} heard @param {string[]} complaints */
function countVerdicts(figures, dialogue, mode, { verdicts }, complaints) {
  const { isJudged, unconfirmed } = dialogue;
  for (const { trade, verdict, reason } of verdicts) {
    if (!isJudged) {
      const isForbidden = unconfirmed.includes("*") || unconfirmed.includes(trade.symbol);
      if (verdict === "CONFIRMED" && isForbidden) {
        figures.falseConfirmed += 1;
        complaints.push(`FALSE CONFIRMED ${trade.side} ${trade.quantity} ${trade.symbol}: ${reason}`);
      }
      continue;
    }
    figures.trades += 1;
    const wanted = trade.isProposed && mode !== "labelled" ? "LOW_CONFIDENCE" : trade.verdict;
    const right = [wanted, ...(wanted === trade.verdict ? trade.ok : [])];
    const isRight = right.includes(verdict);
    const hasKind = right.some((one) => kindOf(one) === kindOf(verdict));
    if (verdict === wanted) figures.exact += 1;
    if (isRight) figures.acceptable += 1;
    if (kindOf(verdict) === "LOW_CONFIDENCE" && wanted !== verdict) figures.lowConfidence += 1;
    if (kindOf(verdict) === "CONFIRMED" && !hasKind) figures.falseConfirmed += 1;
    if (kindOf(verdict) === "MISMATCH" && !hasKind) figures.falseMismatch += 1;
    if (/^(ORDER_NOT_IN_CALL|NO_VOICE_EVIDENCE)$/.test(verdict) && !hasKind) figures.falseAbsence += 1;
    if (verdict !== wanted && mode !== "merged")
      complaints.push(`${isRight ? "acceptable" : "WRONG"} ${verdict}, right ${right.join(" or ")}: ${reason}`);
    else if (mode === "merged" && !hasKind && /^(CONFIRMED|MISMATCH)/.test(verdict))
      complaints.push(`FALSE ${verdict}, right ${right.join(" or ")}: ${reason}`);
  }
}

/** @param {string} verdict */
function kindOf(verdict) {
  return verdict.replace(/\[.*/, "");
}

/** @param {Figures} figures @param {Dialogue} dialogue @param {Mode} mode @param {Heard} heard @param {string[]} complaints */
function countOrders(figures, { orders, never, unconfirmed }, mode, { orders: found }, complaints) {
  for (const one of found) {
    if (never.includes(one.symbol ?? "") || never.includes(`${one.symbol} ${one.quantity}`))
      complaints.push(`order that must not be there: ${brief(one)}`);
    const isForbidden = unconfirmed.includes("*") || unconfirmed.includes(one.symbol ?? "");
    if (one.client_confirmed && isForbidden) complaints.push(`confirmed: ${brief(one)}`);
  }
  if (orders === null) return;
  figures.expected += orders.length;
  figures.found += found.length;
  const left = [...found];
  for (const order of orders) {
    const index = left.findIndex((one) => isThat(order, one));
    if (index === -1) {
      complaints.push(`order missed: ${JSON.stringify(order)}`);
      continue;
    }
    const [one] = left.splice(index, 1);
    figures.right += 1;
    if (!one || order.confirmed.length === 0 || (order.isProposed && mode !== "labelled")) continue;
    figures.confirmations += 1;
    if (order.confirmed.includes(one.client_confirmed ?? false)) figures.rightConfirmations += 1;
    else complaints.push(`confirmed is ${one.client_confirmed}: ${brief(one)}`);
  }
  for (const one of left) complaints.push(`order invented: ${brief(one)}`);
}

/** @param {string | null} symbol */
function plain(symbol) {
  return (symbol ?? "").toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

/** @param {SpokenOrder} order @param {ExtractedTrade} found */
function isThat(order, found) {
  const price = found.price ?? (found.price_type === "MARKET" ? "market" : "open");
  return (
    (order.sides.length === 0 || order.sides.includes(found.side ?? "")) &&
    order.symbols.some((symbol) => plain(symbol) === plain(found.symbol)) &&
    (order.quantities.length === 0 || order.quantities.includes(found.quantity ?? 0)) &&
    (order.unit === null || order.unit === found.unit) &&
    (order.prices.length === 0 || order.prices.includes(price)) &&
    order.strike === found.strike &&
    order.optionType === found.option_type &&
    (!order.isFuture || found.instrument === "FUT") &&
    (order.expiry === null || order.expiry === found.expiry)
  );
}

/** @param {Figures} figures @param {Dialogue} dialogue @param {Heard} heard @param {string[]} complaints */
function countAnswers(figures, { audit }, { answers }, complaints) {
  for (const [question, right] of Object.entries(audit)) {
    figures.questions += 1;
    if (answers[question] === right) figures.rightAnswers += 1;
    else complaints.push(`${question}: ${answers[question]}, right ${right}`);
  }
}

/** @param {ExtractedTrade} order */
export function brief(order) {
  const { action, side, quantity, unit, symbol, strike, option_type, instrument, expiry, price, price_type } = order;
  const words = [action, side, quantity, unit === "LOTS" ? "lots" : null, symbol, instrument, strike, option_type];
  const at = price ?? (price_type === "MARKET" ? "market" : "open");
  const state = order.client_confirmed ? "confirmed" : "unconfirmed";
  return [...words, expiry, `@${at}`, state, order.confidence].filter((word) => word !== null).join(" ");
}
