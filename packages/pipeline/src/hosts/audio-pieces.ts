/** Where a conversation is cut so that no piece is longer than a server takes. */

/** Seconds from the start of the recording. */
export interface Span {
  start_s: number;
  end_s: number;
}

/** Servers refuse shorter audio. */
export const SHORTEST_S = 0.1;
/** What is left to the last piece: a recording may end a moment earlier than its length says. */
const LAST_S = 1;

/**
 * The pieces of `span`, without gaps, none longer than `maxS`: cut in the last silence between `speech` that each may reach,
 * and in the middle of speech only where it has none.
 */
export function piecesOf(span: Span, speech: readonly Span[], maxS: number): Span[] {
  const pieces: Span[] = [];
  let start = span.start_s;
  while (span.end_s - start > maxS) {
    const limit = Math.max(Math.min(start + maxS, span.end_s - LAST_S), start + SHORTEST_S);
    const end = lastSilence(span, speech, start + SHORTEST_S, limit) ?? limit;
    pieces.push({ start_s: start, end_s: end });
    start = end;
  }
  pieces.push({ start_s: start, end_s: span.end_s });
  return pieces;
}

/** The middle of a silence, or as near to it as the limit allows; null when there is none between `earliest` and `limit`. */
function lastSilence(
  { start_s, end_s }: Span,
  speech: readonly Span[],
  earliest: number,
  limit: number,
): number | null {
  let before = start_s;
  let last: number | null = null;
  for (const next of [...speech, { start_s: end_s, end_s }]) {
    if (before >= limit) break;
    const cut = Math.min((before + next.start_s) / 2, limit);
    if (next.start_s > before && cut >= earliest) last = cut;
    before = Math.max(before, next.end_s);
  }
  return last;
}
