import type { Details } from "./statement-items.js";
import type { Side, Statement } from "./statements.js";
import type { Evidence } from "./transcript.js";

export type OrderField = "side" | "symbol" | "quantity" | "price" | "trigger" | "strike" | "optionType";

interface Claim {
  value: string | number;
  /** Best confidence with which a statement gave this value. */
  confidence: number;
  /** Sum over the statements that gave it: a value that is said twice weighs more. */
  support: number;
}

/** Price of a market order, as a value of the field `price`. */
const MARKET = "MARKET";
/**
 * A segment's confidence is the share of its words that are right; a side, a symbol or a number is right only when all its
 * words are, about two of them.
 */
const WORDS_OF_A_FIELD = 2;
/** Two values without anyone correcting: one of them was misheard. How much that costs when both are equally likely. */
const CONFLICT_COST = 0.2;
/** A correction was begun and could not be read. */
const UNRESOLVED_FACTOR = 0.5;

/** An order as stated so far in the call; statements are applied in the order they are spoken. */
export class OrderDraft {
  readonly action: "NEW" | "MODIFY" | "CANCEL";
  readonly evidence: Evidence[] = [];
  readonly speaker: string | null;
  /** Segments of the first and of the latest statement. */
  readonly firstSegment: number;
  lastSegment: number;
  symbolSpoken: string | null = null;
  unit: "SHARES" | "LOTS" = "SHARES";
  future = false;
  expiry: string | null = null;
  /** Only asked for or advised so far: no order until the client agrees. */
  proposed: boolean;
  /** The dealer spoke of it first. */
  readonly startedAsProposal: boolean;
  readBack = false;
  /** Someone asked for a confirmation after the latest statement. */
  askedToConfirm = false;
  confirmed = false;
  /** A correction that no field could be read from. */
  unresolved = false;
  /** The values heard for a field since its last correction, the one that holds first. */
  private readonly claims = new Map<OrderField, Claim[]>();

  constructor(action: OrderDraft["action"], statement: Statement) {
    this.action = action;
    this.speaker = statement.segment.source.speaker ?? null;
    this.firstSegment = statement.segment.index;
    this.lastSegment = statement.segment.index;
    this.proposed = statement.kind === "proposal" || statement.kind === "suggestion";
    this.startedAsProposal = this.proposed;
  }

  get side(): Side | null {
    return (this.value("side") as Side | undefined) ?? null;
  }

  get symbol(): string | null {
    return (this.value("symbol") as string | undefined) ?? null;
  }

  get price(): number | null {
    return this.number("price");
  }

  get market(): boolean {
    return this.value("price") === MARKET;
  }

  get optionType(): "CE" | "PE" | null {
    return (this.value("optionType") as "CE" | "PE" | undefined) ?? null;
  }

  number(field: "quantity" | "price" | "trigger" | "strike"): number | null {
    const value = this.value(field);
    return typeof value === "number" ? value : null;
  }

  has(field: OrderField): boolean {
    return this.claims.has(field);
  }

  /**
   * Applies a statement. A value that differs from the one before counts as a conflict unless the
   * statement corrects; a correction takes back the read back and the confirmation.
   */
  apply(statement: Statement, details: Details, corrects: boolean): void {
    const confidence = statement.segment.source.confidence ** WORDS_OF_A_FIELD * details.quality;
    let changed = false;
    const claim = (field: OrderField, value: string | number | null): void => {
      if (value !== null && this.claim(field, value, confidence, corrects)) changed = true;
    };
    claim("side", statement.side);
    claim("symbol", details.symbol?.symbol ?? null);
    if (details.symbol) this.symbolSpoken ??= details.symbol.spoken;
    // A read back that leaves the word "lots" out does not turn lots into shares.
    if (details.quantity !== null && (this.unit === "SHARES" || details.unit === "LOTS" || corrects)) {
      claim("quantity", details.quantity);
      if (details.unit === "LOTS") this.unit = "LOTS";
    }
    if (details.price !== null) claim("price", details.price);
    else if (details.market && (corrects || !this.has("price"))) claim("price", MARKET);
    else if (details.market && this.market) claim("price", MARKET);
    claim("trigger", details.trigger);
    claim("strike", details.strike);
    claim("optionType", details.optionType);
    this.future ||= details.future;
    this.expiry = details.expiry ?? this.expiry;
    if (changed && corrects) {
      this.readBack = false;
      this.askedToConfirm = false;
    }
    if (changed) this.confirmed = false;
    if (details.quantity !== null) this.unresolved = false;
    this.lastSegment = statement.segment.index;
    this.cite(statement.segment.evidence(statement.clause));
  }

  private value(field: OrderField): string | number | undefined {
    return this.claims.get(field)?.[0]?.value;
  }

  /**
   * Notes a value for a field. Of differing values the better supported holds, of equal ones the later; a correction
   * replaces them all. True when the value that holds has changed.
   */
  private claim(field: OrderField, value: string | number, confidence: number, corrects: boolean): boolean {
    const before = this.value(field);
    const claims = this.claims.get(field) ?? [];
    const known = claims.find((claim) => claim.value === value);
    if (known) {
      known.confidence = Math.max(known.confidence, confidence);
      known.support += confidence;
    }
    const claim = known ?? { value, confidence, support: confidence };
    const rivals = corrects ? [] : claims.filter((other) => other !== claim);
    // The sort is stable: put first, the later of two equals stays first.
    this.claims.set(
      field,
      [claim, ...rivals].toSorted((a, b) => b.support - a.support),
    );
    return before !== undefined && before !== this.value(field);
  }

  cite(passage: Evidence | null): void {
    if (passage === null) return;
    const known = this.evidence.some(({ segment, quote }) => segment === passage.segment && quote === passage.quote);
    if (!known) this.evidence.push(passage);
  }

  /**
   * How sure the order is, 0 to 1: its least certain field, where a field is as certain as the best segment that states
   * its value (chance that its words were recognised, times quality of the match). Text of low confidence can so never give an order of
   * high confidence.
   */
  get confidence(): number {
    const fields: OrderField[] = this.action === "NEW" ? ["side", "symbol", "quantity", "price"] : ["symbol"];
    let lowest = 1;
    let doubt = this.unresolved ? UNRESOLVED_FACTOR : 1;
    for (const field of fields) {
      const [claim, rival] = this.claims.get(field) ?? [];
      // A price may be left open; nothing else may.
      if (claim) lowest = Math.min(lowest, claim.confidence);
      else lowest = Math.min(lowest, field === "price" ? 0.9 * lowest : 0.3);
      if (claim && rival) doubt *= 1 - CONFLICT_COST * Math.min(1, rival.support / claim.support || 0);
    }
    return Math.round(lowest * doubt * 1000) / 1000;
  }
}
