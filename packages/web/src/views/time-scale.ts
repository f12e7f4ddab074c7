/** Places times on a line on which long pauses are short, so that what was done before and after them can be seen. Pure. */

export interface Span {
  /** Epoch ms. */
  from: number;
  to: number;
}

export interface TimeScale {
  /** 0 for the first time, 1 for the last. */
  at(time: number): number;
  /** The pauses that are drawn shorter than they were. */
  readonly pauses: readonly Span[];
}

/** A pause takes no more room than this share of all the time at work. */
const PAUSE_SHARE = 0.06;

/** `work`: when something was done, in order; times between are pauses. All from `first` to `last` is on the line. */
export function timeScale(work: readonly Span[], first: number, last: number): TimeScale {
  const spans = workWithin(work, first, last);
  const most = PAUSE_SHARE * spans.reduce((sum, { from, to }) => sum + to - from, 0);
  const pauses: Span[] = [];
  /** Where on the line, in ms of it, each piece begins and ends. */
  const pieces: (Span & { begins: number; ends: number })[] = [];
  let along = 0;
  const put = (from: number, to: number, length: number): void => {
    pieces.push({ from, to, begins: along, ends: (along += length) });
  };
  for (const [index, { from, to }] of spans.entries()) {
    const before = spans[index - 1]?.to ?? from;
    if (from > before) put(before, from, Math.min(from - before, most));
    if (from - before > most) pauses.push({ from: before, to: from });
    put(from, to, to - from);
  }
  const whole = Math.max(1, along);
  return {
    pauses,
    at(time) {
      const piece = pieces.find(({ to }) => time <= to) ?? pieces.at(-1)!;
      const share = piece.to > piece.from ? (time - piece.from) / (piece.to - piece.from) : 0;
      const place = piece.begins + Math.min(1, Math.max(0, share)) * (piece.ends - piece.begins);
      return place / whole;
    },
  };
}

/** The spans that touch the line, which begin and end it. Where clocks were set so that they overlap, all of it is one. */
function workWithin(work: readonly Span[], first: number, last: number): Span[] {
  const isInOrder = work.every(({ from }, index) => index === 0 || from >= work[index - 1]!.to);
  const within = work.filter(({ from, to }) => to >= first && from <= last);
  if (!isInOrder || within.length === 0) return [{ from: first, to: last }];
  return within.map(({ from, to }, index) => ({
    from: index === 0 ? first : from,
    to: index === within.length - 1 ? last : to,
  }));
}
