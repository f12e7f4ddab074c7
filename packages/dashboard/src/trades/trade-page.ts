/** Everything that is known of one trade: what was executed and spoken, how triage found its calls, and how its verdicts came to be. */
import { COMPARED_FIELDS, comparedLine } from "@cofi/evidence/compared-lines";
import type { CallRecord, TradeCallRecord, TradeRecord } from "@cofi/evidence/records";
import type { Results } from "@cofi/evidence/results";
import type { Candidate, ComparedField, TradePage } from "@cofi/evidence/shapes";
import { detailOf, outcomeOf } from "@cofi/evidence/trade-list";
import { whatChanged, type LoggedVerdict } from "@cofi/evidence/verdict-records";
import type { Store } from "@cofi/event-log/store";
import { rowOf } from "./list.js";
import type { Shown } from "./shown.js";

/** @param tradeId as it is stored. @returns null when the batch has no such trade */
export async function tradePage(
  { results, store }: { results: Results; store: Store },
  batchId: number,
  tradeId: string,
  shown: Shown,
): Promise<TradePage | null> {
  const trade = await results.trade(batchId, tradeId);
  if (!trade) return null;
  const [fills, considered, history, runs] = await Promise.all([
    trade.orderId === null ? [trade] : results.fillsOf(batchId, trade.orderId),
    results.tradeCalls(batchId, tradeId),
    results.verdictHistory(batchId, tradeId),
    store.runs(batchId),
  ]);
  const versions = new Map(runs.map(({ run, version }) => [run, version]));
  const detail = detailOf(JSON.stringify(trade.verdictDetail));
  const candidates = await candidatesOf(results, batchId, { trade, considered, history }, shown);
  return {
    masked: shown.masked,
    trade: {
      ...rowOf(
        {
          ...trade,
          fills: fills.length,
          outcome: outcomeOf(trade),
          mismatches: detail.mismatches,
          callId: trade.verdictCallId,
          reason: trade.verdictReason ?? trade.triageReason,
        },
        shown,
      ),
      phones: trade.clientPhones.map((phone) => shown.content(phone)),
      exchange: trade.exchange,
      instrument: trade.instrument,
      expiry: trade.expiry,
      strike: trade.strike,
      optionType: trade.optionType,
      lotSize: trade.lotSize,
      orderType: trade.orderType,
      orderSource: trade.orderSource,
    },
    fills: fills.map((fill) => ({
      tradeId: shown.name(fill.tradeId),
      tradeTime: fill.tradeTime?.toISOString() ?? null,
      quantity: fill.quantity,
      price: fill.price,
      outcome: outcomeOf(fill),
    })),
    fields: fieldsOf(trade, fills, detail.lines, shown),
    notes: shown.masked ? [] : detail.lines.filter((line) => comparedLine(line) === null),
    triage:
      trade.triage === null
        ? null
        : {
            result: trade.triage,
            reason: shown.sentence(trade.triageReason),
            steps: (trade.triageSteps ?? []).map(({ rule, outcome, detail: said }) => ({
              rule,
              outcome,
              detail: shown.sentence(said),
            })),
          },
    candidates,
    history: history.map((one, index) => {
      const before = history.slice(index + 1).find((older) => !older.history);
      return {
        eventId: one.eventId,
        loggedAt: one.loggedAt,
        run: one.run,
        version: one.run === null ? null : (versions.get(one.run) ?? null),
        verdict: one.verdict,
        reason: shown.sentence(one.reason),
        confirmedBy: one.confirmedBy,
        late: one.history === true,
        changed: before === undefined ? [] : whatChanged(before.restsOn, one.restsOn),
      };
    }),
  };
}

function fieldsOf(
  trade: TradeRecord,
  fills: readonly TradeRecord[],
  lines: readonly string[],
  shown: Shown,
): ComparedField[] {
  const compared = lines.flatMap((line) => comparedLine(line) ?? []);
  return COMPARED_FIELDS.map((field) => {
    const line = compared.find((one) => one.field === field);
    return {
      field,
      outcome: line?.outcome ?? null,
      executed: executedIn(field, trade, fills, shown),
      spoken: line ? shown.content(line.spoken) : null,
    };
  });
}

function executedIn(
  field: (typeof COMPARED_FIELDS)[number],
  trade: TradeRecord,
  fills: readonly TradeRecord[],
  shown: Shown,
): string {
  switch (field) {
    case "SIDE":
      return trade.side;
    case "SYMBOL":
      return contractOf(trade);
    case "QTY": {
      const sum = fills.reduce((total, { quantity }) => total + quantity, 0);
      return fills.length === 1 ? String(sum) : `${sum} in ${fills.length} fills`;
    }
    case "PRICE":
      return [...new Set(fills.map(({ price }) => price))].join(" and ");
    case "CLIENT":
      return shown.content(trade.clientCode);
  }
}

function contractOf({ symbol, instrument, strike, optionType, expiry }: TradeRecord): string {
  const kind = instrument === null || instrument === "EQ" || strike !== null ? null : instrument;
  return [symbol, kind, strike, optionType, expiry].filter((part) => part !== null && part !== "").join(" ");
}

interface Considered {
  trade: TradeRecord;
  considered: readonly TradeCallRecord[];
  history: readonly LoggedVerdict[];
}

/** Those of triage, best first, and those that the verdict rests on beside them. */
async function candidatesOf(
  results: Results,
  batchId: number,
  { trade, considered, history }: Considered,
  shown: Shown,
): Promise<Candidate[]> {
  const inForce = history.find((one) => !one.history);
  const evidence = new Map(inForce?.restsOn.calls.map((call) => [call.callId, call]));
  const decider = trade.verdictCallId;
  const callIds = new Set([
    ...considered.map(({ callId }) => callId),
    ...evidence.keys(),
    ...(decider ? [decider] : []),
  ]);
  const calls = new Map<string, CallRecord>();
  for (const call of await results.callsOf(batchId, [...callIds])) calls.set(call.callId, call);
  return [...callIds].map((callId) => {
    const call = calls.get(callId);
    const found = considered.find((one) => one.callId === callId);
    const events = evidence.get(callId);
    return {
      callId: shown.name(callId),
      call: call
        ? { fileName: shown.name(call.fileName), startTime: call.startTime.toISOString(), durationS: call.durationS }
        : null,
      triage: found
        ? {
            ranking: found.ranking,
            score: found.score,
            parts: {
              phone: found.phoneScore,
              clientCode: found.clientCodeScore,
              dealer: found.dealerScore,
              time: found.timeScore,
            },
            flags: found.flags,
            selected: found.selected,
            reason: shown.sentence(found.reason),
          }
        : null,
      decided: callId === decider,
      events: events ? { stt: events.stt, llm1: events.llm1, llm2: events.llm2 } : null,
    };
  });
}
