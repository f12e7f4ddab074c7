import type { Details } from "./statement-items.js";
import type { Side, Statement } from "./statements.js";
import type { Evidence } from "./transcript.js";

export type OrderField = "side" | "symbol" | "quantity" | "price" | "trigger" | "strike" | "optionType";

interface Claim {
  value: string | number;
  /** Best confidence with which a statement gave this value. */
  confidence: number;
}

/** Price of a market order, as a value of the field `price`. */
const MARKET = "MARKET";
/** A value that was changed without anyone correcting it: one of the two was misheard. */
const CONFLICT_FACTOR = 0.8;
/** A correction was begun and could not be read. */
const UNRESOLVED_FACTOR = 0.5;

/** An order as far as the call has told it; statements are applied in the order they are spoken. */
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
  private conflicts = 0;
  private readonly claims = new Map<OrderField, Claim>();

  constructor(action: OrderDraft["action"], statement: Statement) {
    this.action = action;
    this.speaker = statement.segment.source.speaker ?? null;
    this.firstSegment = statement.segment.index;
    this.lastSegment = statement.segment.index;
    this.proposed = statement.kind === "proposal" || statement.kind === "suggestion";
    this.startedAsProposal = this.proposed;
  }

  get side(): Side | null {
    return (this.claims.get("side")?.value as Side | undefined) ?? null;
  }

  get symbol(): string | null {
    return (this.claims.get("symbol")?.value as string | undefined) ?? null;
  }

  get price(): number | null {
    return this.number("price");
  }

  get market(): boolean {
    return this.claims.get("price")?.value === MARKET;
  }

  get optionType(): "CE" | "PE" | null {
    return (this.claims.get("optionType")?.value as "CE" | "PE" | undefined) ?? null;
  }

  number(field: "quantity" | "price" | "trigger" | "strike"): number | null {
    const value = this.claims.get(field)?.value;
    return typeof value === "number" ? value : null;
  }

  has(field: OrderField): boolean {
    return this.claims.has(field);
  }

  /**
   * Takes over what a statement says. A value that differs from the one before counts as a conflict unless the
   * statement corrects; a correction takes back the read back and the confirmation.
   */
  apply(statement: Statement, details: Details, corrects: boolean): void {
    const confidence = statement.segment.source.confidence * details.quality;
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

  /** True when a value that was known has changed. */
  private claim(field: OrderField, value: string | number, confidence: number, corrects: boolean): boolean {
    const known = this.claims.get(field);
    if (known?.value === value) {
      known.confidence = Math.max(known.confidence, confidence);
      return false;
    }
    this.claims.set(field, { value, confidence });
    if (known && !corrects) this.conflicts++;
    return known !== undefined;
  }

  cite(passage: Evidence | null): void {
    if (passage === null) return;
    const known = this.evidence.some(({ segment, quote }) => segment === passage.segment && quote === passage.quote);
    if (!known) this.evidence.push(passage);
  }

  /**
   * How sure the order is, 0 to 1: its least certain field, where a field is as certain as the best segment that states
   * its value (recogniser confidence times quality of the match). Text of low confidence can so never give an order of
   * high confidence.
   */
  get confidence(): number {
    const fields: OrderField[] = this.action === "NEW" ? ["side", "symbol", "quantity", "price"] : ["symbol"];
    let lowest = 1;
    for (const field of fields) {
      const claim = this.claims.get(field);
      // A price may be left open; nothing else may.
      if (claim) lowest = Math.min(lowest, claim.confidence);
      else lowest = Math.min(lowest, field === "price" ? 0.9 * lowest : 0.3);
    }
    const doubts = CONFLICT_FACTOR ** this.conflicts * (this.unresolved ? UNRESOLVED_FACTOR : 1);
    return Math.round(lowest * doubts * 1000) / 1000;
  }
}
