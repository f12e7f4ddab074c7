/** Rules that answer the audit questions from the extraction and the words of the call. */
import { ADVICE, ASKS_FOR_INSTRUCTION, DISCRETION, GUARANTEE, PRESSURE, RECORDED_LINE } from "./audit-phrases.js";
import type { CallReading } from "./call-reading.js";
import type { ExtractedTrade } from "./extraction.js";
import { REPORT } from "./order-phrases.js";
import type { Evidence } from "./transcript.js";
import type { SpokenSegment } from "./words.js";

export interface Answer {
  answer: "YES" | "NO" | "UNCLEAR" | "NA";
  /** 0 to 1. */
  confidence: number;
  evidence: Evidence[];
  /** In plain words. */
  rationale: string;
}

/** One call, as the rules see it. */
export interface AuditCase {
  reading: CallReading;
  identity: { name: string | null; code: string | null };
  /** Orders of the call: cancellations are answered for by none of the questions. */
  orders: readonly ExtractedTrade[];
}

type Rule = (call: AuditCase) => Answer;

/** Below it an answer rests on words that may not have been said. */
const UNCLEAR_BELOW = 0.5;
/** "It was not said" is never as sure as "it was said": it may have been misheard. */
const ABSENCE_FACTOR = 0.8;

/** Answers by question id (packages/pipeline/data/audit-questions.json). */
const RULES: Readonly<Record<string, Rule>> = {
  client_identified: clientIdentified,
  client_initiated: clientInitiated,
  symbol_stated: (call) => everyOrder(call, "the security", ({ symbol }) => symbol !== null),
  quantity_stated: (call) => everyOrder(call, "the quantity", ({ quantity }) => quantity !== null),
  price_stated: (call) =>
    everyOrder(
      call,
      "a price, or that it is at market,",
      ({ price, price_type }) => price !== null || price_type === "MARKET",
    ),
  dealer_read_back: (call) => everyOrder(call, "a read back", ({ read_back }) => read_back),
  client_confirmed: clientConfirmed,
  recorded_line_notice: (call) => spoken(call, RECORDED_LINE, "that the line is recorded"),
  advice_or_pressure: adviceOrPressure,
  discretion_left: discretionLeft,
};

/** The answer to one question. A question that no rule knows is UNCLEAR, never guessed. */
export function answerQuestion(questionId: string, call: AuditCase): Answer {
  const rule = Object.hasOwn(RULES, questionId) ? RULES[questionId] : undefined;
  if (!rule)
    return {
      answer: "UNCLEAR",
      confidence: 0,
      evidence: [],
      rationale: `This engine has no rule for the question "${questionId}": a person has to answer it.`,
    };
  if (call.reading.segments.every(({ words }) => words.length === 0))
    return { answer: "NA", confidence: 1, evidence: [], rationale: "The transcript holds no words." };
  return settle(rule(call));
}

/** An answer without the confidence to stand is UNCLEAR, with what speaks for it kept. */
function settle(answer: Answer): Answer {
  const confidence = Math.round(answer.confidence * 1000) / 1000;
  if (answer.answer === "NA" || answer.answer === "UNCLEAR" || confidence >= UNCLEAR_BELOW)
    return { ...answer, confidence };
  const rationale = `${answer.rationale} The recording was not understood well enough to rely on it (${Math.round(confidence * 100)} %).`;
  return { ...answer, answer: "UNCLEAR", confidence, rationale };
}

const NO_ORDER: Answer = { answer: "NA", confidence: 1, evidence: [], rationale: "No order is placed in this call." };

/** Mean confidence of the segments by their words: how well the call as a whole was understood. */
function overall({ reading }: AuditCase): number {
  let words = 0;
  let sum = 0;
  for (const segment of reading.segments) {
    words += segment.words.length;
    sum += segment.words.length * segment.source.confidence;
  }
  return words === 0 ? 0 : sum / words;
}

interface Hit {
  segment: SpokenSegment;
  evidence: Evidence;
}

function hits({ reading }: AuditCase, pattern: RegExp): Hit[] {
  return reading.segments.flatMap((segment) =>
    segment.find(pattern).flatMap((span) => {
      const evidence = segment.evidence(span);
      return evidence ? [{ segment, evidence }] : [];
    }),
  );
}

function surest(found: readonly Hit[]): number {
  return Math.max(0, ...found.map(({ segment }) => segment.source.confidence));
}

/** YES with the passages when it is said, else NO. */
function spoken(call: AuditCase, pattern: RegExp, what: string): Answer {
  const found = hits(call, pattern);
  return found.length > 0
    ? {
        answer: "YES",
        confidence: surest(found),
        evidence: found.map(({ evidence }) => evidence),
        rationale: `It is said ${what}.`,
      }
    : {
        answer: "NO",
        confidence: overall(call) * ABSENCE_FACTOR,
        evidence: [],
        rationale: `Nowhere in the call is it said ${what}.`,
      };
}

function label({ symbol, quantity }: ExtractedTrade): string {
  return symbol === null ? "an order" : quantity === null ? symbol : `${quantity} ${symbol}`;
}

function confidenceOf(orders: readonly ExtractedTrade[]): number {
  return Math.min(1, ...orders.map(({ confidence }) => confidence));
}

/** YES when `holds` for every order; a field that the extraction leaves open (null) makes it UNCLEAR. */
function everyOrder(call: AuditCase, what: string, holds: (trade: ExtractedTrade) => boolean | null): Answer {
  const { orders } = call;
  if (orders.length === 0) return NO_ORDER;
  const missing = orders.filter((trade) => holds(trade) === false);
  const open = orders.filter((trade) => holds(trade) === null);
  const confidence = confidenceOf(orders);
  if (missing.length > 0)
    return {
      answer: "NO",
      confidence: confidence * ABSENCE_FACTOR,
      evidence: evidenceOf(missing),
      rationale: `The call does not hold ${what} for ${missing.map(label).join(", ")}.`,
    };
  if (open.length > 0)
    return {
      answer: "UNCLEAR",
      confidence,
      evidence: evidenceOf(open),
      rationale: `The extraction does not say whether the call holds ${what} for ${open.map(label).join(", ")}.`,
    };
  return {
    answer: "YES",
    confidence,
    evidence: evidenceOf(orders),
    rationale: `The call holds ${what} for ${orders.map(label).join(", ")}.`,
  };
}

function evidenceOf(trades: readonly ExtractedTrade[]): Evidence[] {
  return trades.flatMap(({ evidence }) => evidence);
}

function clientIdentified(call: AuditCase): Answer {
  const { name, code } = call.identity;
  const { evidence } = call.reading.identity;
  const segments = new Set(evidence.map(({ segment }) => segment));
  const confidences = call.reading.segments
    .filter(({ source }) => segments.has(source.id))
    .map(({ source }) => source.confidence);
  const confidence = confidences.length > 0 ? Math.max(...confidences) : overall(call);
  if (code !== null)
    return {
      answer: "YES",
      confidence,
      evidence,
      rationale: `The client gives the code ${code}${name === null ? "" : ` and the name ${name}`}.`,
    };
  if (name !== null)
    return {
      answer: "YES",
      confidence: confidence * 0.7,
      evidence,
      rationale: `A name is given (${name}), but no client code.`,
    };
  if (call.reading.identity.code !== null)
    return {
      answer: "UNCLEAR",
      confidence,
      evidence,
      rationale: "A client code is spelt out, but it was not understood well enough to name the client.",
    };
  return {
    answer: "NO",
    confidence: overall(call) * ABSENCE_FACTOR,
    evidence: [],
    rationale: "Neither a name nor a client code is given.",
  };
}

/** The first passage of an order shows who began: a dealer's proposal or advice, or the client's instruction. */
function clientInitiated(call: AuditCase): Answer {
  if (call.orders.length === 0) return NO_ORDER;
  const confidence = confidenceOf(call.orders);
  const proposed = call.reading.orders.filter(({ action, startedAsProposal }) => action === "NEW" && startedAsProposal);
  if (proposed.length > 0)
    return {
      answer: "NO",
      confidence,
      evidence: proposed.flatMap(({ evidence }) => evidence.slice(0, 1)),
      rationale: `The dealer proposes ${proposed.map(({ symbol }) => symbol).join(", ")} before the client asks for it.`,
    };
  const first = call.orders[0]?.evidence[0];
  const order = call.reading.segments.find(({ source }) => source.id === first?.segment);
  const advice = [...hits(call, ADVICE), ...hits(call, GUARANTEE)].filter(
    ({ segment }) => order !== undefined && segment.index < order.index,
  );
  if (advice.length > 0)
    return {
      answer: "UNCLEAR",
      confidence: confidence * 0.6,
      evidence: advice.map(({ evidence }) => evidence),
      rationale: "The client orders, but after advice in the same call: a person has to judge who began.",
    };
  const asked = hits(call, ASKS_FOR_INSTRUCTION).filter(
    ({ segment }) => order !== undefined && segment.index <= order.index,
  );
  const sure = asked.length > 0 ? 1 : 0.85;
  return {
    answer: "YES",
    confidence: confidence * sure,
    evidence: [...asked.map(({ evidence }) => evidence), ...(first ? [first] : [])],
    rationale: "The first words about the order are an instruction, with no proposal or advice before it.",
  };
}

/** Confirmed, and not only after the dealer had reported the order as placed. */
function clientConfirmed(call: AuditCase): Answer {
  const answer = everyOrder(call, "a confirmation by the client", ({ client_confirmed }) => client_confirmed);
  if (answer.answer !== "YES") return answer;
  const placed = hits(call, REPORT)[0];
  const late = call.orders.find(({ evidence }) => {
    const first = evidence[0];
    return placed !== undefined && first !== undefined && placed.evidence.start_s < first.start_s;
  });
  if (!late || !placed) return answer;
  return {
    answer: "UNCLEAR",
    confidence: answer.confidence * 0.6,
    evidence: [placed.evidence, ...late.evidence],
    rationale: `The dealer reports an order as placed before ${label(late)} is spoken of: a person has to check the order of events.`,
  };
}

function adviceOrPressure(call: AuditCase): Answer {
  const kinds: [string, Hit[]][] = [
    ["guaranteed returns", hits(call, GUARANTEE)],
    ["pressure", hits(call, PRESSURE)],
    ["advice", hits(call, ADVICE)],
  ];
  const found = kinds.filter(([, list]) => list.length > 0);
  if (found.length === 0)
    return {
      answer: "NO",
      confidence: overall(call) * ABSENCE_FACTOR,
      evidence: [],
      rationale: "No words of advice, pressure or guaranteed returns are heard.",
    };
  const passages = found.flatMap(([, list]) => list);
  return {
    answer: "YES",
    confidence: surest(passages) * 0.9,
    evidence: passages.map(({ evidence }) => evidence),
    rationale: `The words sound like ${found.map(([kind]) => kind).join(" and ")}.`,
  };
}

function discretionLeft(call: AuditCase): Answer {
  const found = hits(call, DISCRETION);
  if (found.length > 0)
    return {
      answer: "YES",
      confidence: surest(found) * 0.9,
      evidence: found.map(({ evidence }) => evidence),
      rationale: "The client leaves a part of the order to the dealer.",
    };
  if (call.orders.length === 0) return NO_ORDER;
  return {
    answer: "NO",
    confidence: overall(call) * ABSENCE_FACTOR,
    evidence: [],
    rationale: "No words that leave the quantity, price, time or security to the dealer are heard.",
  };
}
