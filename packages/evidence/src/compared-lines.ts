/** What a verdict has compared, line by line, as its event and its row hold it: `QTY: different. spoken 250 shares, executed 300`. */

/** In the order in which the page shows them. */
export const COMPARED_FIELDS = ["SIDE", "SYMBOL", "QTY", "PRICE", "CLIENT"] as const;

export interface ComparedLine {
  field: string;
  outcome: "same" | "different" | "open";
  /** What the call says of it. */
  spoken: string;
}

const LINE = /^(SIDE|SYMBOL|QTY|PRICE|CLIENT): (same|different|open)\. (.*)$/s;

/** null for a line that compares no field. */
export function comparedLine(line: string): ComparedLine | null {
  const [, field, outcome, text = ""] = LINE.exec(line) ?? [];
  if (field === undefined) return null;
  const spoken = text.replace(/, executed [^;]*/, "").replace(/^(?:spoken|heard client) /, "");
  return { field, outcome: outcome as ComparedLine["outcome"], spoken };
}
