/** triaging: the unit is the trade. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import type { StageContext } from "../batch/context.js";
import { asIs, defineStage, IN_PROCESS } from "../batch/stage.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { TriageCall } from "../triage/triage-calls.js";
import { triage, type TradeTriage } from "../triage/triage.js";
import { summary, toJson } from "./log-values.js";

interface TradeUnit {
  name: string;
  trade: ListedTrade;
}

export const triaging = defineStage<"calls" | "trades" | "ivr", TradeUnit, Json>(
  "triaging",
  ["calls", "trades", "ivr"],
  (context) => {
    let results = new Map<string, TradeTriage>();
    return {
      answeredBy: IN_PROCESS,
      async plan() {
        const { trades, triageConfig } = context;
        const found = triage(trades.all, await triageCalls(context), triageConfig);
        results = new Map(found.map((result) => [result.tradeId, result]));
        return { units: trades.all.map((trade) => ({ name: trade.tradeId, trade })) };
      },
      isStale: async ({ name }, answer) => !isDeepStrictEqual(answer, toJson(results.get(name))),
      payload: ({ trade }) => toJson(trade),
      ask: ({ name }) => asIs(toJson(results.get(name))),
      async finish() {
        const all = [...results.values()];
        await context.persist(() => context.results.saveTriage(context.run, all));
        const counts = new Map<string, number>();
        for (const { result } of all) counts.set(result, (counts.get(result) ?? 0) + 1);
        await context.logger.info("triaging", summary("Triage", counts), { metadata: Object.fromEntries(counts) });
      },
    };
  },
);

/** The batch's calls as triage looks at them. */
export async function triageCalls({
  calls,
  answers,
}: Pick<StageContext<"calls" | "ivr">, "calls" | "answers">): Promise<TriageCall[]> {
  const rows = calls.all();
  const heard = new Map<string, { speechS: number; durationS: number }>();
  for await (const [name, { answer }] of answers.each(
    "ivr",
    rows.map(({ fileName }) => fileName),
  ))
    heard.set(name, { speechS: answer.speech_s, durationS: answer.duration_s });
  return rows.map((call) => {
    const found = heard.get(call.fileName);
    return {
      ...call,
      speechS: found?.speechS ?? null,
      audioUsable: found !== undefined,
      endTime: new Date(call.startTime.getTime() + (found?.durationS ?? call.durationS) * 1000),
    };
  });
}
