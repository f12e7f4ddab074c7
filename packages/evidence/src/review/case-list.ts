/** The cases of a batch, page by page, by SQL: what `foldCase` says of each, for a hundred thousand trades. */
import { sql, type RawBuilder } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { isCurrent } from "@cofi/event-log/run-filter";
import { readRunStarts } from "@cofi/event-log/runs";
import { toApiTime } from "@cofi/event-log/time";
import { STEPS, type CaseState, type Step } from "./case.js";
import { CONFIRMED } from "./reviews.js";

export interface CaseFilter {
  state?: CaseState | undefined;
  /** Who has done the last step: who has it, has decided it, or has approved it. */
  who?: string | undefined;
  verdict?: string | undefined;
}

export interface CaseSummary {
  tradeId: string;
  verdict: string | null;
  state: CaseState;
  last: Step | null;
  isDrawn: boolean;
  /** The decision that stands. */
  decision: (Step & { reason: string }) | null;
  /** It was decided, and is open because it was rejected or the trade was judged again. */
  isReopened: boolean;
}

/** By the id of the trade. `next` is the `after` of the next page; null on the last. @throws DatabaseUnavailableError */
export async function listCases(
  database: Database,
  batchId: number,
  { state, who, verdict }: CaseFilter,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<{ cases: CaseSummary[]; next: string | null }> {
  const query = <T>(work: () => Promise<T>): Promise<T> => reportUnavailable(database, work);
  const current = isCurrent(await query(() => readRunStarts(database, batchId)));
  const newest = (what: RawBuilder<unknown>) => sql`(SELECT max(number) FROM review AS one
    WHERE one.batchId = trade.batchId AND one.tradeId = trade.tradeId AND one.what IN (${what}))`;
  const steps = newest(sql.join(STEPS.map((step) => sql.lit(step))));
  // Asked only of cases that were decided.
  const inForce = sql`(SELECT max(id) FROM ${database.dialect.logBy("batchExecutionLog_state")}
    WHERE batchId = trade.batchId AND stage = 'verdicts' AND fileName = trade.tradeId AND eventType = 'file_complete' AND ${current})`;
  const isDecided = sql`(step.what IN ('decided', 'approved'))`;
  const stateNow = sql<CaseState>`CASE
    WHEN step.what = 'taken' THEN 'taken'
    WHEN ${isDecided} AND coalesce(decision.verdictEventId, 0) = coalesce(${inForce}, 0) THEN step.what
    ELSE 'open' END`;
  const filters = [
    sql`trade.batchId = ${batchId}`,
    sql`(trade.verdict <> ${CONFIRMED} OR EXISTS
      (SELECT 1 FROM review AS any_row WHERE any_row.batchId = trade.batchId AND any_row.tradeId = trade.tradeId))`,
    ...(after === undefined ? [] : [sql`trade.tradeId > ${after}`]),
    ...(verdict === undefined ? [] : [sql`trade.verdict = ${verdict}`]),
    ...(who === undefined ? [] : [sql`step.who = ${who}`, hasRow(batchId, sql`who = ${who}`)]),
    ...(state === undefined ? [] : [sql`${stateNow} = ${state}`]),
    // Few trades are in the other states, and they are found by their rows.
    ...(state === undefined || state === "open" ? [] : [hasRow(batchId, sql`what = ${state}`)]),
  ];
  const { rows } = await query(() =>
    sql<ListedRow>`
      SELECT trade.tradeId, trade.verdict, ${stateNow} AS state, step.what AS lastWhat, step.who AS lastWho, step.at AS lastAt,
        decision.reason, decision.who AS decidedBy, decision.at AS decidedAt,
        CASE WHEN ${newest(sql.lit("drawn"))} IS NULL THEN 0 ELSE 1 END AS isDrawn
      FROM trade
      LEFT JOIN review AS step ON step.batchId = trade.batchId AND step.tradeId = trade.tradeId AND step.number = ${steps}
      LEFT JOIN review AS decision ON decision.batchId = trade.batchId AND decision.tradeId = trade.tradeId
        AND decision.number = ${newest(sql.lit("decided"))}
      WHERE ${sql.join(filters, sql` AND `)}
      ORDER BY trade.tradeId LIMIT ${sql.lit(limit + 1)}`.execute(database.kysely),
  );
  const page = rows.slice(0, limit);
  return { cases: page.map(toCase), next: rows.length > limit ? (page.at(-1)?.tradeId ?? null) : null };
}

function hasRow(batchId: number, condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`trade.tradeId IN (SELECT tradeId FROM review WHERE batchId = ${batchId} AND ${condition})`;
}

interface ListedRow {
  tradeId: string;
  verdict: string | null;
  state: CaseState;
  lastWhat: string | null;
  lastWho: string | null;
  lastAt: string | null;
  reason: string | null;
  decidedBy: string | null;
  decidedAt: string | null;
  isDrawn: number;
}

function toCase(row: ListedRow): CaseSummary {
  const { tradeId, verdict, state, lastWhat } = row;
  const stands = state === "decided" || state === "approved";
  return {
    tradeId,
    verdict,
    state,
    last: row.lastWho === null ? null : { who: row.lastWho, at: toApiTime(row.lastAt ?? "") },
    isDrawn: Number(row.isDrawn) === 1,
    decision: stands
      ? { reason: row.reason ?? "", who: row.decidedBy ?? "", at: toApiTime(row.decidedAt ?? "") }
      : null,
    isReopened: state === "open" && (lastWhat === "decided" || lastWhat === "approved" || lastWhat === "rejected"),
  };
}
