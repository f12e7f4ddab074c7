/** The words of verdicts: orders, calls, and the passages that decided. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import { executedContract } from "./contract-comparison.js";
import type { ExecutedOrder } from "./executed-order.js";
import { executedShares } from "./verdict-comparison.js";

/** Fills that a reason names one by one. */
const NAMED_FILLS = 5;
/** Passages that a reason quotes, and how much of each. */
const PASSAGES = 4;
const PASSAGE_LENGTH = 160;

/** `BUY 200 INFY (fills T1 and T2)` */
export function describe(order: ExecutedOrder): string {
  const { side, fills } = order;
  const what = `${side} ${executedShares(order)} ${executedContract(order)}`;
  return fills.length === 1
    ? what
    : `${what} (fills ${list(
        fills.map(({ tradeId }) => tradeId),
        NAMED_FILLS,
      )})`;
}

export function names(calls: readonly { callId: string }[]): string {
  return `call${calls.length === 1 ? "" : "s"} ${calls.map(({ callId }) => callId).join(", ")}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Ends with how many more there are. */
export function list(items: readonly string[], most = items.length): string {
  if (items.length > most) return `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** The words of an order, from the first to those that amend it, and of the answer; "…" stands for what is left out. */
export function quoteOf({ evidence, answer_evidence: answer }: ExtractedTrade): string {
  const isAnswer = ({ segment, quote }: ExtractedTrade["evidence"][number]): boolean =>
    answer.some((other) => other.segment === segment && other.quote === quote);
  const stated = evidence.filter((passage) => !isAnswer(passage));
  const kept =
    stated.length + answer.length <= PASSAGES
      ? stated
      : [...stated.slice(0, 1), ...stated.slice(1 - PASSAGES + answer.length)];
  return quoteList([...kept, ...answer]);
}

/** The words of the client's answer. */
export function answerOf({ answer_evidence: answer, evidence }: ExtractedTrade): string {
  return quoteList(answer.length > 0 ? answer : evidence.slice(-1));
}

function quoteList(passages: readonly { quote: string }[]): string {
  if (passages.length === 0) return "no quote given";
  return `"${passages.map(({ quote }) => cut(quote)).join(" … ")}"`;
}

/** At the end of a word. */
function cut(text: string): string {
  if (text.length <= PASSAGE_LENGTH) return text;
  const head = text.slice(0, PASSAGE_LENGTH);
  return `${head.slice(0, Math.max(head.lastIndexOf(" "), 1))} …`;
}
