/** The attempts that are waited for, and how many each unit has had. */
import type { Attempt, Hedge } from "./decisions.js";

export class InWork {
  /** At most two: one of them races with the other. */
  readonly byUnit = new Map<number, readonly Attempt[]>();
  readonly #tries = new Map<number, number>();

  has(attempt: Attempt): boolean {
    return this.byUnit.get(attempt.unit)?.includes(attempt) ?? false;
  }

  hasUnit(unit: number): boolean {
    return this.byUnit.has(unit);
  }

  begin(unit: number, host: number, hedge: Hedge | null, now: number): Attempt {
    const number = (this.#tries.get(unit) ?? 0) + 1;
    this.#tries.set(unit, number);
    const attempt: Attempt = {
      unit,
      host,
      number,
      begunAt: now,
      deadlineAt: Number.POSITIVE_INFINITY,
      hedges: hedge?.first ?? null,
      rule: hedge?.rule ?? null,
    };
    this.byUnit.set(unit, [...(this.byUnit.get(unit) ?? []), attempt]);
    return attempt;
  }

  /** It is not waited for any longer. */
  end(attempt: Attempt): void {
    attempt.deadlineAt = Number.POSITIVE_INFINITY;
    const others = this.byUnit.get(attempt.unit)?.filter((other) => other !== attempt) ?? [];
    if (others.length > 0) this.byUnit.set(attempt.unit, others);
    else this.byUnit.delete(attempt.unit);
  }

  /** It was no attempt at the unit. */
  giveBack({ unit, number }: Attempt): void {
    if (this.#tries.get(unit) === number) this.#tries.set(unit, number - 1);
  }

  /** Nothing more is done about the unit. @returns the attempts at it that were waited for */
  over(unit: number): readonly Attempt[] {
    const others = this.byUnit.get(unit) ?? [];
    for (const other of others) this.end(other);
    this.#tries.delete(unit);
    return others;
  }
}
