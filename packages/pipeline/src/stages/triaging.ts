/** triaging: the unit is the trade. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import type { StageContext } from "../batch/context.js";
import { asIs, defineStage, IN_PROCESS } from "../batch/stage.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { TriageCall } from "../triage/triage-calls.js";
import { triage, type LoggedTriage } from "../triage/triage.js";
import { summary, toJson } from "./log-values.js";

interface TradeUnit {
  name: string;
  trade: ListedTrade;
}

export const triaging = defineStage<"calls" | "trades" | "ivr", TradeUnit, LoggedTriage>(
  "triaging",
  ["calls", "trades", "ivr"],
  (context) => {
    let results = new Map<string, LoggedTriage>();
    return {
      answeredBy: IN_PROCESS,
      async plan() {
        const { trades, triageConfig, run, configurationSha256 } = context;
        const measured = await triageCalls(context);
        const ivr = new Map(measured.map((call) => [call.callId, call.ivr]));
        results = new Map(
          triage(trades.all, measured, triageConfig).map((result) => {
            const calls = result.candidates.map(({ callId }) => ({ callId, ivr: ivr.get(callId) ?? null }));
            return [result.tradeId, { ...result, restsOn: { run: run.run, configurationSha256, calls } }];
          }),
        );
        return { units: trades.all.map((trade) => ({ name: trade.tradeId, trade })) };
      },
      isStale: async ({ name }, answer) => !isDeepStrictEqual(essence(answer), essence(results.get(name))),
      payload: ({ trade }) => toJson(trade),
      ask: ({ name }) => asIs(results.get(name)!),
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

/** The result and the events that it rests on; under which run and configuration it was found does not matter. */
function essence(result: LoggedTriage | undefined): Json {
  const { restsOn, ...found } = result ?? {};
  return toJson({ ...found, calls: restsOn?.calls });
}

/** A call with the event that holds what ivr measured. */
interface MeasuredCall extends TriageCall {
  ivr: number | null;
}

/** The batch's calls as triage looks at them. */
export async function triageCalls({
  calls,
  answers,
}: Pick<StageContext<"calls" | "ivr">, "calls" | "answers">): Promise<MeasuredCall[]> {
  const rows = calls.all();
  const heard = new Map<string, { speechS: number; durationS: number; ivr: number | null }>();
  for await (const [name, { eventId, answer }] of answers.each(
    "ivr",
    rows.map(({ fileName }) => fileName),
  ))
    heard.set(name, { speechS: answer.speech_s, durationS: answer.duration_s, ivr: eventId });
  return rows.map((call) => {
    const found = heard.get(call.fileName);
    return {
      ...call,
      speechS: found?.speechS ?? null,
      audioUsable: found !== undefined,
      ivr: found?.ivr ?? null,
      endTime: new Date(call.startTime.getTime() + (found?.durationS ?? call.durationS) * 1000),
    };
  });
}
