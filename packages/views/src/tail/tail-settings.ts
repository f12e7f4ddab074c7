import type { Environment } from "@cofi/event-log/environment";

export interface TailSettings {
  /** ms between polls while events come. */
  pollMs: number;
  /** ms between polls when nothing comes; and between two reads of the batches. */
  idlePollMs: number;
  /** ms after which the tail stops waiting for a missing id. */
  longestTransactionMs: number;
  /** ms after which a query without an answer counts as a lost database. */
  queryTimeoutMs: number;
}

/** COFI_POLL_MS and its companions. The caller asks `env` whether they are right. */
export function readTailSettings(env: Environment): TailSettings {
  const pollMs = env.wholeNumber("COFI_POLL_MS", 25, 5, 60_000);
  return {
    pollMs,
    idlePollMs: Math.max(pollMs, env.wholeNumber("COFI_IDLE_POLL_MS", 250, 5, 60_000)),
    longestTransactionMs: env.wholeNumber("COFI_LONGEST_TRANSACTION_S", 60, 1, 86_400) * 1_000,
    queryTimeoutMs: env.wholeNumber("COFI_QUERY_TIMEOUT_MS", 5_000, 100, 600_000),
  };
}
