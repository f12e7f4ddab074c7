/** Ships what processes left in their spools that ended before the database had everything. */
import { quietly, type LoggerProblem } from "./problems.js";
import { identityIn, ship, type EventSink } from "./sink.js";
import { MAX_BYTES, MAX_EVENTS } from "./shipper.js";
import { Spool, SpoolInUseError } from "./spool/spool.js";
import { spoolsIn } from "./spool/spool-files.js";

export interface Leftovers {
  /** Events that the database has now. */
  shipped: number;
  /** Out of how many spools. */
  spools: number;
  /** Events of another database or another batch of the same number: kept, each reported as a problem. */
  refused: number;
}

/**
 * Ships what earlier processes left in `spoolDir`. Spools that another process holds are left to it; what belongs to another
 * database stays where it is.
 * @param signal ends it between two inserts
 * @throws the database's error (DatabaseUnavailableError when it went away); what is not shipped stays
 */
export async function shipLeftovers(
  spoolDir: string,
  store: EventSink,
  onProblem?: (problem: LoggerProblem) => void,
  signal?: AbortSignal,
): Promise<Leftovers> {
  const total: Leftovers = { shipped: 0, spools: 0, refused: 0 };
  const report = quietly(onProblem);
  for (const { name, batchId } of spoolsIn(spoolDir)) {
    if (signal?.aborted) break;
    let spool: Spool;
    try {
      const onDamage = (message: string): void => report({ kind: "spool", message, cause: null });
      spool = Spool.open(spoolDir, batchId, { name, onDamage });
    } catch (error) {
      if (error instanceof SpoolInUseError) continue;
      throw error;
    }
    try {
      const refused = spool.claim(await identityIn(store, batchId));
      if (refused) report({ kind: "spool", message: refused.message, cause: null });
      total.refused += refused?.events ?? 0;
      if (spool.isEmpty) continue;
      total.spools += 1;
      const shipment = { spool, sink: store, onProblem: report, isAbandoned: () => false };
      for (;;) {
        if (signal?.aborted) break;
        const events = spool.oldest(MAX_EVENTS, MAX_BYTES);
        const last = events.at(-1);
        if (!last) break;
        total.shipped += await ship(shipment, events);
        spool.confirm(last.seq);
      }
    } finally {
      spool.close();
    }
  }
  return total;
}
