import type { HostCondition, HostNewsKind } from "@cofi/event-log/event-metadata";

interface Look {
  /** They differ without colour. */
  glyph: string;
  tone: "idle" | "busy" | "good" | "warn" | "bad";
}

/** What is thought of a host: `word` while its stage is worked on, `was` of what is over. */
export const HOST_LOOKS: Readonly<Record<HostCondition, Look & { word: string; was: string }>> = {
  joining: { glyph: "○", tone: "warn", word: "not ready yet", was: "was not ready" },
  healthy: { glyph: "✓", tone: "good", word: "in use", was: "was in use" },
  suspect: { glyph: "‖", tone: "warn", word: "paused", was: "was paused" },
  ejected: { glyph: "⊘", tone: "bad", word: "left out", was: "was left out" },
  probing: { glyph: "↻", tone: "busy", word: "being tried again", was: "was tried again" },
  gone: { glyph: "✕", tone: "bad", word: "given up", was: "was given up" },
};

/** What happened to a host. */
export const NEWS_LOOKS: Readonly<Record<HostNewsKind, Look & { word: string }>> = {
  ejected: { glyph: "⊘", tone: "bad", word: "Left out" },
  probing: { glyph: "↻", tone: "busy", word: "Tried again" },
  healthy: { glyph: "✓", tone: "good", word: "In use again" },
  suspect: { glyph: "‖", tone: "warn", word: "Paused" },
  joining: { glyph: "○", tone: "warn", word: "Not ready yet" },
  gone: { glyph: "✕", tone: "bad", word: "Given up" },
  hedge: { glyph: "+", tone: "idle", word: "Helped out" },
  outrun: { glyph: "◔", tone: "idle", word: "Was overtaken" },
};

/** A rule that stands by itself. */
export function sentence(rule: string): string {
  return rule.charAt(0).toUpperCase() + rule.slice(1);
}
