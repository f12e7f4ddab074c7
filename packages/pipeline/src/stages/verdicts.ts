/**
 * The step `verdicts`, after llm2: judges every trade by what was said in its calls. Each verdict is an event of its own that
 * names what it rests on. A verdict that says the same on the same evidence as the one in the log adds no event: the end of the
 * step confirms it for this run.
 */
import { isDeepStrictEqual } from "node:util";
import type { NewVerdict } from "@cofi/evidence/records";
import { whatChanged, type LoggedVerdict, type VerdictStatement } from "@cofi/evidence/verdict-records";
import { asIs, defineStage } from "../batch/stage.js";
import { judgeTrades, withdrawn, type TradeVerdict, type VerdictContext } from "../verdict/trade-verdicts.js";
import { summary, toJson } from "./log-values.js";

/** Changes that `cofi run` names one by one. */
const NAMED_CHANGES = 5;
/** Changes that the last event of the step lists; each also has an event of its own. */
const LISTED_CHANGES = 100;

interface VerdictUnit {
  name: string;
  found: TradeVerdict;
}

export const verdicts = defineStage<
  "calls" | "trades" | "file_distribution" | "ivr" | "triaging" | "stt" | "llm1" | "llm2",
  VerdictUnit,
  VerdictStatement
>("verdicts", ["calls", "trades", "file_distribution", "ivr", "triaging", "stt", "llm1", "llm2"], (context) => {
  let before = new Map<string, LoggedVerdict>();
  let units: VerdictUnit[] = [];
  return {
    answeredBy: "this process",
    async plan() {
      before = await context.persist(() => context.results.verdictsInForce(context.batchId));
      const judged = await judgeTrades(context);
      for (const { tradeId, verdict } of before.values())
        if (verdict !== null && !judged.has(tradeId)) judged.set(tradeId, await withdrawal(context, tradeId));
      units = [...judged].map(([name, found]) => ({ name, found }));
      return { units };
    },
    isStale: async ({ found }, answer) => !restsOnTheSame(found.statement, answer),
    payload: ({ found }) => toJson(found.basis),
    async ask({ found: { statement } }) {
      const change = changeOf(statement, before.get(statement.tradeId));
      if (change) await sayChange(context, change);
      return asIs(statement);
    },
    async finish() {
      const statements = units.map(({ found }) => found.statement);
      const stored = statements.flatMap(({ tradeId, verdict, callId, reason, mismatches, lines }): NewVerdict[] =>
        verdict === null ? [] : [{ tradeId, verdict, callId, reason, detail: { mismatches, lines } }],
      );
      await context.persist(() => context.results.saveVerdicts(context.run, stored));
      const counts = new Map<string, number>();
      for (const { verdict } of stored) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      const sorted = new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const changes = statements.flatMap((one) => changeOf(one, before.get(one.tradeId)) ?? []);
      if (changes.length > 0) context.report(changesInWords(changes));
      const changed = changes.length === 0 ? "" : `; ${changes.length} changed since an earlier run`;
      await context.logger.info("verdicts", `${summary("Verdicts", sorted)}${changed}`, {
        metadata: {
          ...Object.fromEntries(sorted),
          configurationSha256: context.configurationSha256,
          ...(changes.length > 0 && { changes: changes.slice(0, LISTED_CHANGES).map(({ line }) => line) }),
        },
      });
    },
  };
});

/** Whether a verdict says the same on the same evidence; under which run and configuration does not matter. */
function restsOnTheSame(one: VerdictStatement, logged: VerdictStatement): boolean {
  const essence = ({ restsOn, ...statement }: VerdictStatement) => {
    const { run: _run, configurationSha256: _configuration, ...evidence } = restsOn ?? {};
    return { ...statement, evidence };
  };
  return isDeepStrictEqual(essence(toJson(one) as unknown as VerdictStatement), essence(logged));
}

async function withdrawal(context: VerdictContext, tradeId: string): Promise<TradeVerdict> {
  const triaged = await context.answers.of("triaging", tradeId);
  const isListed = context.trades.all.some((trade) => trade.tradeId === tradeId);
  const reason = isListed ? triaged?.answer.reason : undefined;
  return withdrawn(context, tradeId, reason ?? "The trade is not in trades.csv any more.");
}

interface VerdictChange {
  tradeId: string;
  before: LoggedVerdict;
  after: string | null;
  /** What changed, in words. */
  why: string[];
  /** `T1 from CONFIRMED to MISMATCH (other transcript)` */
  line: string;
}

/** null when the log holds the same verdict, or none. */
function changeOf(
  { tradeId, verdict, restsOn }: VerdictStatement,
  before: LoggedVerdict | undefined,
): VerdictChange | null {
  if (!before || before.verdict === verdict) return null;
  const why = whatChanged(before.restsOn, restsOn);
  const words = why.join(", ") || "another version of Cofi";
  const line = `${tradeId} from ${before.verdict ?? "none"} to ${verdict ?? "none"} (${words})`;
  return { tradeId, before, after: verdict, why, line };
}

/** Before the verdict itself, so that a change which is in the log was said there. */
async function sayChange(
  { logger }: VerdictContext,
  { tradeId, before, after, why, line }: VerdictChange,
): Promise<void> {
  const verdictChange = { before: before.verdict, after, why, beforeEvent: before.eventId };
  await logger.info("verdicts", `Verdict changed: ${line}`, { fileName: tradeId, metadata: { verdictChange } });
}

/** For the operator: how many, and the first few. */
function changesInWords(changes: readonly VerdictChange[]): string {
  const are = changes.length === 1 ? "1 verdict is" : `${changes.length} verdicts are`;
  const named = changes.slice(0, NAMED_CHANGES).map(({ line }) => line);
  const rest = changes.length > named.length ? `; and ${changes.length - named.length} more, which the log names` : "";
  return `${are} not the same as in an earlier run: ${named.join("; ")}${rest}.`;
}
