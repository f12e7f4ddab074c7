import type { FileState } from "@cofi/views/detail/shapes";

/** How a file in a stage looks, in the matrix as in its journey: glyph, word and tone; the glyph alone tells them apart. */
export const FILE_LOOKS: Readonly<
  Record<FileState, { glyph: string; word: string; tone: "idle" | "busy" | "good" | "warn" | "bad" }>
> = {
  waiting: { glyph: "·", word: "waiting", tone: "idle" },
  inFlight: { glyph: "→", word: "in flight", tone: "busy" },
  retrying: { glyph: "↻", word: "retrying", tone: "warn" },
  done: { glyph: "✓", word: "done", tone: "good" },
  failed: { glyph: "✕", word: "failed", tone: "bad" },
  skipped: { glyph: "−", word: "skipped", tone: "idle" },
  missing: { glyph: "?", word: "missing", tone: "bad" },
};
