/** What was heard for the fields of an order, mention by mention. */
export type OrderField = "side" | "symbol" | "quantity" | "price" | "trigger" | "strike" | "optionType";

type Value = string | number;

interface Claim {
  value: Value;
  /** All that the words may mean, `value` among them. */
  readings: readonly Value[];
  /** Best confidence with which a statement gave this value. */
  confidence: number;
  /** Sum over the statements that gave it: a value that is said twice weighs more. */
  support: number;
}

export interface NewClaim {
  value: Value;
  readings: readonly Value[];
  confidence: number;
  corrects: boolean;
}

/** Two values without anyone correcting: one of them was misheard. How much that costs when both are equally likely. */
const CONFLICT_COST = 0.2;
/** Below this share of the support of the value that holds, another one is taken for misheard. */
const RIVAL_FROM = 0.5;
/** A field that was never stated. */
const UNSTATED = 0.3;

export class Claims {
  /** The values heard since the last correction, the one that holds first. */
  private claims = new Map<OrderField, Claim[]>();

  value(field: OrderField): Value | undefined {
    return this.claims.get(field)?.[0]?.value;
  }

  /** The readings of the value that holds, then those of values that may be right as well. */
  readings(field: OrderField): Value[] {
    const [claim, ...rivals] = this.claims.get(field) ?? [];
    if (!claim) return [];
    const others = rivals.filter(({ support }) => support >= RIVAL_FROM * claim.support);
    return [...new Set([claim.value, ...claim.readings, ...others.flatMap(({ readings }) => readings)])];
  }

  /**
   * Notes what a statement gave. Mentions that have a reading in common agree on it. Of differing values the better supported
   * holds, of equal ones the later; a correction replaces them all. True when the value that holds has changed.
   */
  claim(field: OrderField, { value, readings, confidence, corrects }: NewClaim): boolean {
    const before = this.value(field);
    const claims = this.claims.get(field) ?? [];
    const known = claims.find((claim) => claim.readings.some((one) => readings.includes(one)));
    const isAgreed = known !== undefined && known === claims[0];
    if (known) {
      known.readings = known.readings.filter((one) => readings.includes(one));
      if (!known.readings.includes(known.value))
        known.value = known.readings.find((one) => one === value) ?? known.readings[0]!;
      known.confidence = Math.max(known.confidence, confidence);
      known.support += confidence;
    }
    const claim = known ?? { value, readings, confidence, support: confidence };
    const rivals = corrects ? [] : claims.filter((other) => other !== claim);
    // The sort is stable: put first, the later of two equals stays first.
    this.claims.set(
      field,
      [claim, ...rivals].toSorted((a, b) => b.support - a.support),
    );
    return before !== undefined && before !== this.value(field) && !(isAgreed && known === this.claims.get(field)?.[0]);
  }

  /** Puts back what was claimed when this was called. */
  remember(): () => void {
    const before = new Map([...this.claims].map(([field, claims]) => [field, claims.map((claim) => ({ ...claim }))]));
    return () => void (this.claims = before);
  }

  /** 0 to 1: that of the least certain of these fields. */
  confidence(fields: readonly OrderField[]): number {
    let lowest = 1;
    let doubt = 1;
    for (const field of fields) {
      const [claim, rival] = this.claims.get(field) ?? [];
      // A price may be left open; nothing else may.
      if (claim) lowest = Math.min(lowest, claim.confidence);
      else lowest = Math.min(lowest, field === "price" ? 0.9 * lowest : UNSTATED);
      if (claim && rival) doubt *= 1 - CONFLICT_COST * Math.min(1, rival.support / claim.support || 0);
    }
    return lowest * doubt;
  }
}
