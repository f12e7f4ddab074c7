/** triaging: the unit is the trade. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import type { StageContext } from "../batch/context.js";
import { asIs, defineStage } from "../batch/stage.js";
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
      answeredBy: "this process",
      async plan() {
        const { trades, folder, triageConfig, run, configurationSha256 } = context;
        const batchCalls = triageCalls(context);
        const withoutRow = folder.recordings.filter(({ fileName }) => !context.calls.has(fileName)).length;
        const triaged = triage(trades.all, batchCalls, triageConfig, withoutRow);
        const candidates = new Set(triaged.flatMap((result) => result.candidates.map(({ callId }) => callId)));
        const files = new Map(
          batchCalls.flatMap(({ callId, fileName }) => (candidates.has(callId) ? [[callId, fileName]] : [])),
        );
        const measured = await context.answers.ids("ivr", [...files.values()]);
        const ivrOf = (callId: string): number | null => measured.get(files.get(callId) ?? "") ?? null;
        results = new Map(
          triaged.map((result) => {
            const calls = result.candidates.map(({ callId }) => ({ callId, ivr: ivrOf(callId) }));
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

/** The batch's calls as triage looks at them. */
export function triageCalls({ calls, measured }: Pick<StageContext<"calls">, "calls" | "measured">): TriageCall[] {
  return calls.all().map((call): TriageCall => {
    const found = measured.speechOf(call.fileName);
    // All of one shape, written out, as in readCalls.
    return {
      callId: call.callId,
      fileName: call.fileName,
      startTime: call.startTime,
      durationS: call.durationS,
      direction: call.direction,
      callerNumber: call.callerNumber,
      calleeNumber: call.calleeNumber,
      extension: call.extension,
      dealerId: call.dealerId,
      clientCode: call.clientCode,
      channels: call.channels,
      speechS: found?.speechS ?? null,
      audioUsable: found !== undefined,
      endTime: new Date(call.startTime.getTime() + (found?.durationS ?? call.durationS) * 1000),
    };
  });
}
