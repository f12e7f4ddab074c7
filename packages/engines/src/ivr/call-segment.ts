/** A stretch of a call that no person speaks in, as the stage `ivr` reports it; seconds from the start of the recording. */
export interface CallSegment {
  type: "ring" | "dtmf" | "prompt" | "music" | "busy";
  start_s: number;
  end_s: number;
  /** The key of a DTMF tone, the name of a prompt, the frequencies of a ring or busy tone; `null` for music. */
  label: string | null;
  /** 0 to 1. */
  confidence: number;
}

/** Seconds that two stretches have in common. */
export function overlapS(a: { start_s: number; end_s: number }, b: { start_s: number; end_s: number }): number {
  return Math.max(0, Math.min(a.end_s, b.end_s) - Math.max(a.start_s, b.start_s));
}
