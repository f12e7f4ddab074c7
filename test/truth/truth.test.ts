/** The half of the labelled dialogues that rules may be tuned to: none of their trades is accused or confirmed falsely. */
import { expect, it } from "vitest";
import { ownDialogues } from "../../tools/truth/cases.mjs";
import { measure } from "../../tools/truth/figures.mjs";

const { seen } = await ownDialogues();

it.each(["labelled", "unlabelled", "merged"] as const)("verdicts on %s dialogues are never false", async (mode) => {
  const { figures, failures } = await measure(seen, mode);
  const isFalse = (complaint: string): boolean => /^(?:WRONG|FALSE) (?:CONFIRMED|MISMATCH)/.test(complaint);
  const wrong = failures.flatMap(({ dialogue, complaints }) =>
    complaints.filter(isFalse).map((complaint) => `${dialogue.id}: ${complaint}`),
  );
  expect(wrong).toEqual([]);
  expect(figures).toMatchObject({ dialogues: seen.length, falseConfirmed: 0, falseMismatch: 0 });
});
