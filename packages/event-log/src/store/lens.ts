/** How a store shows events: as they are, or without what its readers may not see. */
import type { Json, LogEvent, LogEventDetail } from "../events.js";

/**
 * What a {@link Store} does to every event before it hands it over, so that whatever is made of it, in memory or on the way to a reader,
 * holds no more than this. Must be a pure function of the event.
 */
export interface EventLens {
  event(event: LogEvent): LogEvent;
  detail(event: LogEventDetail): LogEventDetail;
  metadata(metadata: Json): Json;
  /** The name of a recording or a call. */
  name(name: string): string;
  /** A text that people wrote about contents. */
  text(text: string): string;
  /** A value of a payload or response. */
  value(value: string): string;
  /** The stored name of a file that is shown under this name. */
  storedName(shown: string): string;
}

/** For those who may see everything. */
export const CLEAR: EventLens = {
  event: (event) => event,
  detail: (event) => event,
  metadata: (metadata) => metadata,
  name: (name) => name,
  text: (text) => text,
  value: (value) => value,
  storedName: (shown) => shown,
};
