/** Where the events go, as far as the logger needs to know it; a `Store` is one. */
import { isDataError } from "../database/errors.js";
import type { StoredEvent } from "../store/event-columns.js";
import type { ProblemListener } from "./problems.js";
import type { Spool, SpooledEvent } from "./spool/spool.js";

export interface EventSink {
  /** Inserts the events in order; one that is stored already is left as it is. */
  insertEvents(events: readonly StoredEvent[]): Promise<void>;
  /**
   * Tells this batch from every other one in any database: the id of the database, a space, and when the batch was created
   * (ISO 8601). Null when there is no such batch. A sink without it takes what its own logger logs, and no leftovers that
   * are known to be of some database.
   */
  identityOf?(batchId: number): Promise<string | null>;
}

/** undefined when the sink does not know. @throws the database's error */
export async function identityIn(sink: EventSink, batchId: number): Promise<string | null | undefined> {
  return sink.identityOf?.(batchId);
}

export interface Shipment {
  spool: Spool;
  sink: EventSink;
  onProblem: ProblemListener;
  /** True when the outcome of an insert is no longer wanted: the spool may be closed. */
  isAbandoned: () => boolean;
}

/**
 * Inserts, and narrows a data error down to the events that cause it, which are set aside.
 * @returns how many events the database has now
 * @throws any other error
 */
export async function ship(shipment: Shipment, events: readonly SpooledEvent[]): Promise<number> {
  try {
    await shipment.sink.insertEvents(events.map(({ event }) => event));
    return events.length;
  } catch (error) {
    if (shipment.isAbandoned() || !isDataError(error)) throw error;
    const [only] = events;
    if (only && events.length === 1) {
      reject(shipment, only, error);
      return 0;
    }
    const middle = Math.ceil(events.length / 2);
    const first = await ship(shipment, events.slice(0, middle));
    return shipment.isAbandoned() ? first : first + (await ship(shipment, events.slice(middle)));
  }
}

function reject({ spool, onProblem }: Shipment, spooled: SpooledEvent, error: unknown): void {
  const reason = (error as Error).message;
  const keptIn = spool.reject(spooled, reason);
  const { stage, eventType, eventId, batchId } = spooled.event;
  onProblem({
    kind: "rejected",
    message: `The database cannot store event ${eventId} (batch ${batchId}, ${stage}, ${eventType}): ${reason}. It is kept in ${keptIn}.`,
    cause: error,
  });
}
