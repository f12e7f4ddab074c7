import type { HostCondition, HostNewsKind } from "@cofi/event-log/event-metadata";
import type { HostStageView, HostStateView } from "@cofi/views/detail/host-shapes";

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

/** What is said of a host in a stage: the worst state of its engines, and of how many of them. */
export interface Said extends Look {
  worst: HostStateView;
  text: string;
  /** Some of its engines are in use. */
  isInUse: boolean;
}

/** null for a host that has no state there. */
export function saidOf({ states, engines }: HostStageView, isCurrent: boolean): Said | null {
  const [worst] = states;
  if (!worst) return null;
  const { glyph, tone, word, was } = HOST_LOOKS[worst.condition];
  const isOf = (condition: HostCondition): number => states.filter((state) => state.condition === condition).length;
  const troubled = states.length - isOf("healthy");
  const isInUse = troubled < (engines ?? 1);
  if (troubled === 0 || engines === null || engines === 1)
    return { worst, glyph, tone, text: isCurrent ? word : was, isInUse };
  const alike = isOf(worst.condition);
  const text = `${alike} of ${engines} ${isCurrent ? word : alike === 1 ? was : was.replace("was", "were")}`;
  return { worst, glyph, tone: isInUse && tone === "bad" ? "warn" : tone, text, isInUse };
}

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
