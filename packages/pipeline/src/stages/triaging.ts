/** triaging: the unit is the trade. */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@cofi/event-log/events";
import { triageCalls } from "./call-records.js";
import { IN_PROCESS, type Stage } from "../batch/runner.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import { triage } from "../triage/triage.js";
import { summary, toJson } from "./log-values.js";

export const triaging: Stage<{ name: string; trade: ListedTrade }, Json> = {
  name: "triaging",
  answeredBy: () => IN_PROCESS,
  async prepare(run) {
    const results = triage(run.trades, triageCalls(run), run.triageConfig);
    run.triage = new Map(results.map((result) => [result.tradeId, result]));
  },
  units: ({ trades }) => trades.map((trade) => ({ name: trade.tradeId, trade })),
  isStale: async (run, { name }, answer) => !isDeepStrictEqual(answer, toJson(run.triage.get(name))),
  payload: (_run, { trade }) => toJson(trade),
  ask: async (run, { name }) => toJson(run.triage.get(name)),
  async finish(run) {
    await run.persist(() => run.results.saveTriage(run.run, [...run.triage.values()]));
    const counts = new Map<string, number>();
    for (const { result } of run.triage.values()) counts.set(result, (counts.get(result) ?? 0) + 1);
    await run.logger.info("triaging", summary("Triage", counts), { metadata: Object.fromEntries(counts) });
  },
};
