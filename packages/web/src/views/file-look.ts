import type { FileState } from "@cofi/views/detail/shapes";

/** Glyph, word and tone of each state of a file, in the matrix and in its journey. The glyphs differ without colour. */
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
