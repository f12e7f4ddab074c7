/** Why a case is decided as it is. Whatever asks for a reason, shows or counts one reads it here. */

interface Reason {
  /** As it is stored. */
  reason: string;
  label: string;
  description: string;
  /** A decision without a note is refused. */
  needsNote: boolean;
  /** Of a trade that was CONFIRMED: whether the verdict was right, which is that the call proves the order. */
  bearsOutConfirmed: boolean;
}

export const REASONS = [
  {
    reason: "accept",
    label: "Accept",
    description: "The verdict is right.",
    needsNote: false,
    bearsOutConfirmed: true,
  },
  {
    reason: "violation",
    label: "Violation",
    description: "The trade was not ordered as it was executed.",
    needsNote: true,
    bearsOutConfirmed: false,
  },
  {
    reason: "no_fault",
    label: "No fault",
    description: "The call proves the order, whatever the verdict says.",
    needsNote: true,
    bearsOutConfirmed: true,
  },
  {
    reason: "other_evidence",
    label: "Needs other evidence",
    description: "The calls do not prove the order, and something else may.",
    needsNote: true,
    bearsOutConfirmed: false,
  },
] as const satisfies readonly Reason[];

export type ReasonName = (typeof REASONS)[number]["reason"];
export const REASON_NAMES = REASONS.map(({ reason }) => reason);

/** @returns undefined for a reason of another version */
export function reasonOf(name: string | null): Reason | undefined {
  return REASONS.find(({ reason }) => reason === name);
}
