import { z } from "zod";
import { ENGINES_VERSION } from "../server/package-version.js";
import type { StageEngine } from "../server/stage-engine.js";
import { CODE_FROM } from "./client-code.js";
import { readCall } from "./call-reading.js";
import type { OrderDraft } from "./order-draft.js";
import { isOnlyProposed } from "./orders.js";
import { SymbolTables, Vocabulary } from "./symbols.js";
import { parsePayload, Transcript } from "./transcript.js";

const Payload = z.object({
  call_id: z.string().min(1),
  language: z.string().nullable(),
  transcript: Transcript,
  vocabulary: Vocabulary.default({ symbols: [] }),
});

/** Index derivatives: an order for an index itself can only be a future or an option. */
const INDICES = new Set(["NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "SENSEX", "BANKEX"]);

/** The stage `llm1`: extracts the trades spoken of in a transcript, by rules, without a language model. */
export function createEngine(): StageEngine {
  let tables: SymbolTables | undefined;
  return {
    stage: "llm1",
    engine: { name: "cofi-extract", version: ENGINES_VERSION, model: "rules-en-in-1" },

    async load() {
      tables ??= new SymbolTables();
    },

    async process(body) {
      tables ??= new SymbolTables();
      const { call_id, language, transcript, vocabulary } = parsePayload(Payload, body);
      const symbols = tables.of(vocabulary);
      const { identity, orders } = readCall(transcript.segments, symbols);
      return {
        call_id,
        language,
        client_identity: { name: identity.name, code: identity.codeConfidence < CODE_FROM ? null : identity.code },
        trades: orders.map(tradeOf),
        unknown_symbols: symbols.unknown,
      };
    },

    async close() {},
  };
}

/** The trade as docs/engines.md writes it. */
function tradeOf(order: OrderDraft): object {
  const strike = order.number("strike");
  const index = order.symbol !== null && INDICES.has(order.symbol);
  const option = strike !== null || order.optionType !== null;
  // Shares have no expiry and are not traded in lots.
  const isContract = order.future || order.unit === "LOTS" || (order.expiry !== null && !index);
  const instrument = option ? "OPT" : isContract ? "FUT" : "EQ";
  return {
    action: isOnlyProposed(order) ? "PROPOSAL" : order.action,
    side: order.side,
    symbol: order.symbol,
    symbol_spoken: order.symbolSpoken,
    instrument,
    quantity: order.number("quantity"),
    unit: order.unit,
    price_type: order.price !== null ? "LIMIT" : order.market ? "MARKET" : null,
    price: order.price,
    trigger: order.number("trigger"),
    strike,
    option_type: order.optionType,
    expiry: order.expiry,
    read_back: order.readBack,
    client_confirmed: order.confirmed,
    client_answer: order.answer ?? "NONE",
    answer_evidence: order.answerEvidence,
    initiated_by: order.startedAsProposal ? "DEALER" : "CLIENT",
    closes_position: order.sideAssumed,
    client_code: order.clientCode,
    quantity_readings: several(order.readings("quantity")),
    price_readings: several(order.readings("price")),
    confidence: order.confidence,
    evidence: order.evidence,
  };
}

/** One reading is the value itself. */
function several(readings: readonly number[]): readonly number[] {
  return readings.length > 1 ? readings : [];
}
