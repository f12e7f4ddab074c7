/** What tabs and the worker that shares streams among them say to each other. */

export const STREAM_EVENTS = ["open", "snapshot", "events", "state", "error"] as const;

/** What came in a stream, and the `readyState` of its EventSource. */
export interface StreamEvent {
  type: (typeof STREAM_EVENTS)[number];
  readyState: number;
  data: string;
  lastEventId: string;
}

/** `open` takes the place of the stream that the tab had; `request` numbers the streams of a tab. */
export type FromTab =
  | { open: string; request: number }
  | { close: true }
  /** Whether somebody looks at the tab. */
  | { isVisible: boolean }
  | { ping: true };

/** Every `open` is answered at once: the tab shall open the stream itself, or shares one. `isKnown`: the worker has the tab's stream. */
export type ToTab =
  | { isShared: boolean; request: number }
  | (StreamEvent & { request: number })
  | { pong: true; isKnown: boolean };
