/** Whether the client agreed: whatever an engine says, a yes counts only where the transcript does not show that somebody else said it. */
import type { AuditAnswer, ExtractedTrade, Segment } from "../hosts/engine-contract.js";

export type Speaker = "dealer" | "client";

/** Who speaks, by the id of the segment; segments of which nobody knows are left out. */
export type Speakers = Readonly<Record<number, Speaker>>;

export function speakersOf(segments: readonly Pick<Segment, "id" | "speaker">[]): Speakers {
  return Object.fromEntries(segments.flatMap(({ id, speaker }) => (speaker ? [[id, speaker]] : [])));
}

/** What is known of a call beside its orders. */
export interface Confirming {
  speakers: Speakers;
  answers: readonly AuditAnswer[];
}

/**
 * yes · no, and what the client said instead: parts of a sentence · unknown: somebody agreed to what the dealer proposed, and nobody
 * knows who (`SPEAKER`), or the answer was not understood (`WORDS`).
 */
export type Confirmation =
  | { state: "yes" }
  | { state: "no"; answer: NonNullable<ExtractedTrade["client_answer"]> | "DEALER" }
  | { state: "unknown"; of: "SPEAKER" | "WORDS" };

type Evidence = ExtractedTrade["evidence"];

export function confirmationOf(spoken: ExtractedTrade, { speakers, answers }: Confirming): Confirmation {
  const audited = answers.find(({ question_id: question }) => question === "client_confirmed");
  const isConfirmed = spoken.client_confirmed ?? audited?.answer === "YES";
  const answer = spoken.client_answer;
  if (!isConfirmed && answer === "UNCLEAR") return { state: "unknown", of: "WORDS" };
  // An engine that contradicts itself has not heard a yes.
  if (!isConfirmed || (answer !== null && answer !== "ACCEPTED"))
    return { state: "no", answer: answer === "ACCEPTED" ? "NONE" : (answer ?? "NONE") };
  const isLabelled = Object.keys(speakers).length > 0;
  const named = proofOf(spoken, spoken.client_confirmed === null ? audited : undefined);
  if (isLabelled && named.length === 0 && !speaksAfter(spoken, speakers)) return { state: "no", answer: "NONE" };
  const known = named.map(({ segment }) => speakers[segment] ?? null);
  if (known.includes("client")) return { state: "yes" };
  if (known.length > 0 && known.every((speaker) => speaker === "dealer")) return { state: "no", answer: "DEALER" };
  // Where the client is never heard to speak, silence confirms nothing.
  if (isLabelled && !Object.values(speakers).includes("client")) return { state: "no", answer: "NONE" };
  return isDealers(spoken, answers) ? { state: "unknown", of: "SPEAKER" } : { state: "yes" };
}

/** The words that confirm, as far as an engine names them. */
function proofOf({ answer_evidence: named }: ExtractedTrade, audited: AuditAnswer | undefined): Evidence {
  return named.length > 0 ? named : (audited?.evidence ?? []);
}

/** Whether the client says anything after the first words of the order: an engine that names no words may have heard a yes there. */
function speaksAfter({ evidence }: ExtractedTrade, speakers: Speakers): boolean {
  const first = Math.min(...evidence.map(({ segment }) => segment));
  return Object.entries(speakers).some(([segment, speaker]) => speaker === "client" && Number(segment) > first);
}

/** Whether the order began as the dealer's proposal. */
function isDealers({ initiated_by: initiatedBy }: ExtractedTrade, answers: readonly AuditAnswer[]): boolean {
  const audited = answers.find(({ question_id: question }) => question === "client_initiated");
  return initiatedBy === null ? audited?.answer === "NO" : initiatedBy === "DEALER";
}
