import { sql, type RawBuilder, type SqlBool } from "kysely";
import { RunOrder, type RunStart } from "../run-order.js";

/**
 * The rule of `run-order.ts` as a condition on rows of `batchExecutionLog` of one batch: true for those that are not
 * history. `starts` has every run that the batch has events of; with fewer than two the condition holds for every row.
 */
export function isCurrent(starts: readonly RunStart[]): RawBuilder<SqlBool> {
  if (starts.length < 2) return sql`1 = 1`;
  // Ascending: the first newer run is the one that began with the lowest id.
  const bounds = new RunOrder(starts).starts.map(({ run, firstId }) => sql`WHEN run < ${run} THEN ${firstId}`);
  return sql`(run IS NULL OR id < CASE ${sql.join(bounds, sql` `)} ELSE id + 1 END)`;
}
