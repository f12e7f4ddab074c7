import { findIdentity, type FoundIdentity } from "./client-identity.js";
import type { OrderDraft } from "./order-draft.js";
import { readOrders } from "./orders.js";
import type { SymbolMatcher } from "./symbols.js";
import type { TranscriptSegment } from "./transcript.js";
import { SpokenSegment } from "./words.js";

/** The content of one call: the identity of the client and the orders. */
export interface CallReading {
  segments: readonly SpokenSegment[];
  identity: FoundIdentity;
  orders: readonly OrderDraft[];
}

/** Reads a transcript. Pure: the same segments always give the same reading. */
export function readCall(transcript: readonly TranscriptSegment[], symbols: SymbolMatcher): CallReading {
  const segments = transcript.map((segment, index) => new SpokenSegment(segment, index));
  const identity = findIdentity(segments, symbols);
  const orders = readOrders(segments, { symbols, identity });
  return { segments, identity, orders };
}
