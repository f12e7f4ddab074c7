/** How a store shows events: as they are, or without what its readers may not see. */
import type { Json, LogEvent, LogEventDetail } from "../events.js";

/**
 * What a {@link Store} does to every event before it hands it over, so that whatever is made of it, in memory or on the way to a reader,
 * holds no more than this. Its functions must be pure.
 */
export interface EventLens {
  event(event: LogEvent): LogEvent;
  detail(event: LogEventDetail): LogEventDetail;
  metadata(metadata: Json): Json;
  /** What a name is shown as: of a file, a trade, an order or a call. */
  name(stored: string): string;
  /** A text that people wrote about contents. */
  text(text: string): string;
  /** What is stored under a name that is shown so; a name that nothing has where it is not shown so. */
  storedName(shown: string): string;
  /** A text that is content as a whole: a client's code, a number, words that were said. */
  content(text: string): string;
}

/** For those who may see everything. */
export const CLEAR: EventLens = {
  event: (event) => event,
  detail: (event) => event,
  metadata: (metadata) => metadata,
  name: (stored) => stored,
  text: (text) => text,
  storedName: (shown) => shown,
  content: (text) => text,
};
