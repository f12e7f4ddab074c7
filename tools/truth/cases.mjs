/** Reads sets of dialogues from files: our own, and folders of cases that others labelled in words of their own. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dialogueOf, executedTrade, spokenOrder } from "./notation.mjs";

/** @typedef {import("./notation.mjs").Dialogue} Dialogue */
/** @typedef {import("./notation.mjs").SpokenOrder} SpokenOrder */

/** Our own dialogues: those that rules are made with, and those that are held back. @returns {Promise<{ seen: Dialogue[], unseen: Dialogue[] }>} */
export async function ownDialogues() {
  const read = async (/** @type {string} */ name) =>
    JSON.parse(await readFile(new URL(`../../test/truth/${name}`, import.meta.url), "utf8")).map(dialogueOf);
  return { seen: await read("dialogues.json"), unseen: await read("held-back.json") };
}

/**
 * The dialogues of a folder that holds `dialogues.json` (labelled in words), `batch-truth.json` (labelled calls and trades), or both.
 * @param {string} folder
 * @returns {Promise<Dialogue[]>}
 */
export async function casesOf(folder) {
  const read = async (/** @type {string} */ name) => {
    try {
      return JSON.parse(await readFile(join(folder, name), "utf8"));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  };
  const [dialogues, batch] = [await read("dialogues.json"), await read("batch-truth.json")];
  if (dialogues === null && batch === null)
    throw new Error(`${folder} holds neither dialogues.json nor batch-truth.json.`);
  return [...(dialogues ?? []).map(labelledInWords), ...(batch === null ? [] : batchCases(batch))];
}

const NO_TRADES = { trades: [], isJudged: false, symbols: {}, clients: [], audit: {} };

/** @param {{ id: string, turns: import("./notation.mjs").Turn[], right: string }} written @returns {Dialogue} */
function labelledInWords({ id, turns, right }) {
  const about = { id, turns, ...NO_TRADES };
  if (/^no (plain confirmed )?order/.test(right) || right === "none confirmed")
    return { ...about, orders: right === "no order" ? [] : null, never: [], unconfirmed: ["*"] };
  const never = /^never (\w+ \d+)/.exec(right)?.[1];
  if (never) return { ...about, orders: null, never: [never], unconfirmed: [] };
  if (right === "confirmed" || /^(not confirmed|cancelled)/.test(right))
    return { ...about, orders: null, never: [], unconfirmed: right === "confirmed" ? [] : ["*"] };
  const only = /^(\w+) confirmed, (\w+) not$/.exec(right);
  if (only) return { ...about, orders: null, never: [], unconfirmed: [only[2] ?? ""] };
  const not = /^(\w+) not confirmed/.exec(right);
  if (not) return { ...about, orders: null, never: [], unconfirmed: [not[1] ?? ""] };
  const [wanted = "", ...rest] = right.split("; ");
  return {
    ...about,
    orders: wanted.split(", ").map(orderInWords),
    never: rest.map((each) => each.replace(/^no /, "")),
    unconfirmed: [],
  };
}

/** `BUY INFY 100 @1500`, `NIFTY 24500 CE 5 lots @85`, `RELIANCE 100 @1455 or null` @param {string} text @returns {SpokenOrder} */
function orderInWords(text) {
  const option = / (\d+) (CE|PE)/.exec(text);
  const quantity = /(\d+)( lots)?(?= @| market|$| BUY)/.exec(text.replace(/ \d+ (CE|PE)/, ""));
  const price = /@([\d.]+)( or null)?/.exec(text);
  const order = spokenOrder(
    [
      /BUY|SELL/.exec(text)?.[0],
      quantity?.[1],
      quantity?.[2]?.trim(),
      text.replace(/^(BUY|SELL) /, "").split(" ")[0],
      option?.[1],
      option?.[2],
      price ? `@${price[1]}${price[2] ? "|open" : ""}` : / market/.test(text) ? "@market" : undefined,
    ]
      .filter((part) => part !== undefined)
      .join(" "),
  );
  return option ? { ...order, unit: quantity?.[2] ? "LOTS" : null } : order;
}

/**
 * @typedef {{ action: string, side: string, symbol: string, instrument: string, quantity: number, unit: string, price_type: string, price: number | null,
 *   strike?: number, option_type?: string, confirmed: boolean }} LabelledOrder
 * @typedef {{ call: string, symbol: string, side: string, qty: number, price: number, instrument: "EQ" | "FUT" | "OPT", strike: number | "", otype: "CE" | "PE" | "",
 *   expiry: string, lot: number | "", code: string | null, verdict: string, mm: string | null, ok: string[] }} LabelledTrade
 */

/** @param {{ calls: Record<string, { turns: [string, string][], orders: LabelledOrder[] }>, trades: LabelledTrade[] }} batch @returns {Dialogue[]} */
function batchCases({ calls, trades }) {
  return Object.entries(calls).map(([id, { turns, orders }]) => ({
    id,
    turns: turns.map(([speaker, text]) => ({ speaker: speaker === "d" ? "dealer" : "client", text })),
    orders: orders.map((one) => ({
      ...spokenOrder(`${one.side} ${one.quantity} ${one.symbol}`),
      unit: one.unit === "LOTS" ? "LOTS" : "SHARES",
      isFuture: one.instrument === "FUT",
      strike: one.strike ?? null,
      optionType: one.option_type === "CE" || one.option_type === "PE" ? one.option_type : null,
      prices: [one.price_type === "MARKET" ? "market" : (one.price ?? "open")],
      confirmed: [one.confirmed],
    })),
    never: [],
    unconfirmed: orders.length === 0 ? ["*"] : [],
    trades: trades
      .filter(({ call }) => call === id)
      .map((one) => ({
        ...executedTrade({
          order: `${one.side} ${one.qty} ${one.symbol} @${one.price}`,
          verdict: one.mm === null ? one.verdict : `${one.verdict}[${one.mm}]`,
          ok: one.ok,
        }),
        client: one.code,
        instrument: one.instrument,
        strike: one.strike === "" ? null : one.strike,
        optionType: one.otype || null,
        expiry: one.expiry || null,
        lotSize: one.lot === "" ? null : one.lot,
      })),
    isJudged: true,
    symbols: {},
    clients: [],
    audit: {},
  }));
}
