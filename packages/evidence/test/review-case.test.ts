/** A case is a pure fold of its rows: held against a model of four states, which knows nothing of rows. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CASE_ACTIONS,
  foldCase,
  inWords,
  refusalOf,
  ROW_OF,
  type CaseAction,
  type ReviewRow,
  type VerdictNow,
} from "@cofi/evidence/review/case";
import { drawnOf } from "@cofi/evidence/review/draw";
import { REASON_NAMES, reasonOf } from "@cofi/evidence/review/reasons";
import { shareOf } from "@cofi/evidence/review/wilson";

const PEOPLE = ["ann", "bob", "eve"] as const;
const VERDICTS = ["MISMATCH", "CONFIRMED"] as const;

type Move =
  | { do: CaseAction; who: (typeof PEOPLE)[number]; reason: string }
  | { do: "judge"; verdict: (typeof VERDICTS)[number] };

const moves = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom(...CASE_ACTIONS),
      who: fc.constantFrom(...PEOPLE),
      reason: fc.constantFrom(...REASON_NAMES),
    }),
    fc.record({ do: fc.constant("judge" as const), verdict: fc.constantFrom(...VERDICTS) }),
  ) as fc.Arbitrary<Move>,
  { maxLength: 40 },
);

/** The model: what may be done next, and by whom. `mary` releases what others have. */
class Model {
  state: "open" | "taken" | "decided" | "approved" = "open";
  by: string | null = null;

  allows(action: CaseAction, who: string): boolean {
    const { state, by } = this;
    return {
      note: true,
      correct: true,
      take: state === "open" || (state === "decided" && by === who),
      release: state === "taken" && by === who,
      decide: state === "open" || (state === "taken" && by === who),
      approve: state === "decided" && by !== who,
      reject: state === "decided" && by !== who,
    }[action];
  }

  do(action: CaseAction, who: string): void {
    if (action === "note" || action === "correct") return;
    this.state = ({ take: "taken", release: "open", decide: "decided", approve: "approved", reject: "open" } as const)[
      action
    ];
    this.by = who;
  }

  judged(): void {
    if (this.state === "decided" || this.state === "approved") this.state = "open";
  }
}

test("any sequence of moves: the fold has the state of the model, and refuses what the model refuses", () => {
  const met = { refused: 0, approved: 0, reopened: 0 };
  fc.assert(
    fc.property(moves, (sequence) => {
      const rows: ReviewRow[] = [];
      const model = new Model();
      let now: VerdictNow = { verdict: "MISMATCH", eventId: 1, run: 1 };
      for (const [n, move] of sequence.entries()) {
        const before = foldCase(rows, now);
        if (move.do === "judge") {
          now = { verdict: move.verdict, eventId: (now.eventId ?? 0) + 1, run: (now.run ?? 0) + 1 };
          model.judged();
        } else {
          const refusal = refusalOf(move.do, before, { who: move.who, mayRelease: false });
          expect([n, refusal === null]).toEqual([n, model.allows(move.do, move.who)]);
          if (refusal) {
            met.refused += 1;
            expect(refusal.says).toMatch(/\.$/);
            continue;
          }
          model.do(move.do, move.who);
          const isDecision = move.do === "decide";
          rows.push({
            number: rows.length + 1,
            what: ROW_OF[move.do],
            who: move.who,
            role: "reviewer",
            at: `2026-01-05T10:00:${String(n).padStart(2, "0")}.000Z`,
            reason: isDecision ? move.reason : null,
            note: null,
            verdict: isDecision ? now.verdict : null,
            verdictEventId: isDecision ? now.eventId : null,
            data: null,
          });
        }
        const after = foldCase(rows, now);
        expect([n, after.state]).toEqual([n, model.state]);
        expect(after.decision === null).toBe(model.state === "open" || model.state === "taken");
        if (model.state === "taken" || model.state === "decided") expect(after.last?.who).toBe(model.by);
        if (after.state === "approved") {
          met.approved += 1;
          expect(after.decision?.who).not.toBe(after.last?.who);
          expect(after.decision?.verdict).toBe(now.verdict);
        }
        if (move.do === "judge" && before.state !== "open" && after.state === "open") {
          met.reopened += 1;
          expect(after.reopened).toContain(`judged again by run ${now.run}: ${now.verdict}`);
        }
        expect(inWords(after)).toMatch(/\.$/);
        // Each row and each verdict is seen by it.
        expect(after.version === before.version).toBe(false);
      }
    }),
    { numRuns: 2_000 },
  );
  for (const count of Object.values(met)) expect(count).toBeGreaterThan(20);
});

test("whoever administers releases what others have, and who decided takes the decision back until it is approved", () => {
  const row = (number: number, what: ReviewRow["what"], who: string): ReviewRow => ({
    number,
    what,
    who,
    role: "reviewer",
    at: "2026-01-05T10:00:00.000Z",
    reason: what === "decided" ? "accept" : null,
    note: null,
    verdict: "MISMATCH",
    verdictEventId: 1,
    data: null,
  });
  const now = { verdict: "MISMATCH", eventId: 1, run: 1 };
  const taken = foldCase([row(1, "taken", "ann")], now);
  expect(refusalOf("release", taken, { who: "mary", mayRelease: true })).toBeNull();
  expect(refusalOf("take", taken, { who: "bob", mayRelease: true })).toEqual({
    kind: "conflict",
    says: "ann has had this case since 2026-01-05T10:00:00.000Z. Nothing was changed.",
  });
  const decided = foldCase([row(1, "decided", "ann")], now);
  expect(refusalOf("take", decided, { who: "ann", mayRelease: false })).toBeNull();
  expect(refusalOf("approve", decided, { who: "ann", mayRelease: true })?.kind).toBe("forbidden");
  const approved = foldCase([row(1, "decided", "ann"), row(2, "approved", "bob")], now);
  for (const action of ["take", "decide", "approve", "reject", "release"] as const)
    expect(refusalOf(action, approved, { who: "ann", mayRelease: true })).toMatchObject({ kind: "conflict" });
});

test("each reason says whether it bears out CONFIRMED; one of another version is none", () => {
  expect(REASON_NAMES.map((name) => reasonOf(name)?.bearsOutConfirmed)).toEqual([true, false, true, false]);
  expect(reasonOf("of another version")).toBeUndefined();
});

test("a draw is the share that was asked for, the same for the same seed in any order, and another for another seed", () => {
  const ids = Array.from({ length: 1_000 }, (_, n) => `T${n}`);
  const drawn = drawnOf(ids, "a", 0.02);
  expect(drawn).toHaveLength(20);
  expect(drawnOf(ids.toReversed(), "a", 0.02)).toEqual(drawn);
  expect(drawnOf(ids, "b", 0.02)).not.toEqual(drawn);
  // The more are drawn with a seed, the same are among them.
  expect(drawnOf(ids, "a", 0.05).slice(0, 20)).toEqual(drawn);
  expect(drawnOf(ids.slice(0, 100), "a", 0.07)).toHaveLength(7);
  expect(drawnOf(ids.slice(0, 10), "a", 0.001)).toHaveLength(1);
  expect(drawnOf([], "a", 1)).toEqual([]);
  // Each has the same chance: of 200 draws of 5 % each is in 10 or so.
  const times = new Map<string, number>();
  for (let seed = 0; seed < 200; seed++)
    for (const id of drawnOf(ids, String(seed), 0.05)) times.set(id, (times.get(id) ?? 0) + 1);
  expect(Math.max(...times.values())).toBeLessThan(30);
});

test("the interval of Wilson, as tables have it", () => {
  const ends = (count: number, of: number): string[] => {
    const { low, high } = shareOf(count, of);
    return [low!.toFixed(4), high!.toFixed(4)];
  };
  expect(ends(8, 10)).toEqual(["0.4902", "0.9433"]);
  expect(ends(0, 10)).toEqual(["0.0000", "0.2775"]);
  expect(ends(10, 10)).toEqual(["0.7225", "1.0000"]);
  expect(ends(81, 263)).toEqual(["0.2553", "0.3662"]);
  expect(shareOf(0, 0)).toEqual({ count: 0, of: 0, share: null, low: null, high: null });
});
