import type { AnswerKind } from "./answers.js";
import { Claims, type OrderField } from "./claims.js";
import type { Details } from "./details.js";
import type { Statement } from "./statements.js";
import type { Evidence, Speaker } from "./transcript.js";
import type { Side } from "./verbs.js";

/** Price of a market order, as a value of the field `price`. */
const MARKET = "MARKET";
/**
 * A segment's confidence is the share of its words that are right; a side, a symbol or a number is right only when all its
 * words are, about two of them.
 */
const WORDS_OF_A_FIELD = 2;
/** A correction was begun and could not be read. */
const UNRESOLVED_FACTOR = 0.4;
/** It was said once, and nobody repeated, answered or took notice: rather words that sound like an order. */
const UNHEARD_FACTOR = 0.6;

/** An order as stated so far in the call; statements are applied in the order they are spoken. */
export class OrderDraft {
  readonly action: "NEW" | "MODIFY" | "CANCEL";
  readonly evidence: Evidence[] = [];
  readonly speaker: Speaker | null;
  /** Segments of the first and of the latest statement. */
  readonly firstSegment: number;
  lastSegment: number;
  symbolSpoken: string | null = null;
  unit: "SHARES" | "LOTS" = "SHARES";
  future = false;
  expiry: string | null = null;
  /** Only asked for or advised so far: no order until the client agrees. */
  proposed: boolean;
  /** Advised, not asked for: no more than a clear instruction makes an order of it. */
  advised: boolean;
  /** The dealer spoke of it first. */
  readonly startedAsProposal: boolean;
  /** It waits for something to happen. */
  conditional: boolean;
  /** It closes a position, so that its side is an assumption. */
  sideAssumed: boolean;
  /** "all of it": another statement says how many. */
  allOfIt = false;
  /** The client that was named with it. */
  clientCode: string | null = null;
  readBack = false;
  /** Segment in which someone asked for a confirmation after the latest statement. */
  private askedAt: number | null = null;
  /** The other side took notice of it in some way. */
  noticed = false;
  answer: AnswerKind | null = null;
  answerEvidence: Evidence[] = [];
  /** A correction that no field could be read from: until the order is stated anew, nobody agrees to it. */
  private unresolved = false;
  /** Whether the client changed what the dealer had proposed. */
  private changed = false;
  /** A correction whose number may be the quantity or the price: what it was taken for, and how that is undone. */
  private tentative: { value: number; field: "quantity" | "price"; undo: () => void } | null = null;
  /** What was said up to this segment was answered, and not by a yes. */
  private closedUpTo: number | null = null;
  private answeredAt: number | null = null;
  private readonly claims = new Claims();

  constructor(action: OrderDraft["action"], statement: Statement, proposed: boolean) {
    this.action = action;
    this.speaker = statement.segment.source.speaker ?? null;
    this.firstSegment = statement.segment.index;
    this.lastSegment = statement.segment.index;
    this.proposed = proposed;
    this.advised = statement.kind === "suggestion";
    this.startedAsProposal = proposed;
    this.conditional = statement.conditional;
    this.sideAssumed = statement.closes;
  }

  /** Segment in which it was stated, asked about or answered last. */
  get latest(): number {
    return Math.max(this.lastSegment, this.askedAt ?? 0, this.answeredAt ?? 0);
  }

  get confirmed(): boolean {
    return this.answer === "ACCEPTED";
  }

  get side(): Side | null {
    return (this.claims.value("side") as Side | undefined) ?? null;
  }

  get symbol(): string | null {
    return (this.claims.value("symbol") as string | undefined) ?? null;
  }

  get price(): number | null {
    return this.number("price");
  }

  get market(): boolean {
    return this.claims.value("price") === MARKET;
  }

  get optionType(): "CE" | "PE" | null {
    return (this.claims.value("optionType") as "CE" | "PE" | undefined) ?? null;
  }

  number(field: "quantity" | "price" | "trigger" | "strike"): number | null {
    const value = this.claims.value(field);
    return typeof value === "number" ? value : null;
  }

  /** All that the words about a field may mean, the likeliest first. */
  readings(field: "quantity" | "price"): number[] {
    return this.claims.readings(field).filter((value) => typeof value === "number");
  }

  has(field: OrderField): boolean {
    return this.claims.value(field) !== undefined;
  }

  /**
   * Applies a statement. A value that differs from the one before counts as a conflict unless the
   * statement corrects; a change takes back the confirmation, a correction the read back, too.
   */
  apply(statement: Statement, details: Details, corrects: boolean): void {
    const confidence = statement.segment.source.confidence ** WORDS_OF_A_FIELD * details.quality;
    let changed = false;
    const claim = (
      field: OrderField,
      value: string | number | null,
      { readings, replaces = corrects }: { readings?: readonly number[]; replaces?: boolean } = {},
    ): void => {
      if (value === null) return;
      const heard = { value, readings: readings ?? [value], confidence, corrects: replaces };
      if (this.claims.claim(field, heard)) changed = true;
    };
    if (!statement.closes) {
      claim("side", statement.side, { replaces: corrects || this.sideAssumed });
      if (statement.side !== null) this.sideAssumed = false;
    } else if (!this.has("side")) claim("side", statement.side);
    claim("symbol", details.symbol?.symbol ?? null);
    if (details.symbol) this.symbolSpoken ??= details.symbol.spoken;
    // A read back that leaves the word "lots" out does not turn lots into shares.
    if (details.quantity !== null && (this.unit === "SHARES" || details.unit === "LOTS" || corrects)) {
      claim("quantity", details.quantity);
      if (details.unit === "LOTS") this.unit = "LOTS";
    }
    if (details.price !== null) claim("price", details.price, { readings: details.priceReadings });
    else if (details.market && (corrects || !this.has("price") || this.market)) claim("price", MARKET);
    claim("trigger", details.trigger);
    claim("strike", details.strike);
    claim("optionType", details.optionType);
    this.future ||= details.future;
    this.expiry = details.expiry ?? this.expiry;
    this.allOfIt ||= details.refersTo === "all";
    if (changed && corrects) {
      this.readBack = false;
      this.askedAt = null;
      this.changed = true;
    }
    if (changed && this.confirmed) this.answer = null;
    if (details.quantity !== null || details.price !== null || (corrects && statement.side !== null))
      this.unresolved = false;
    // "at market" where a limit was given, and nobody corrected it: one of them was misheard.
    if (details.market && details.price === null && !this.market) this.unresolved = true;
    if (statement.segment.index > this.firstSegment) this.noticed = true;
    this.lastSegment = statement.segment.index;
    this.cite(statement.segment.evidence(statement.clause));
  }

  /** Applies a correction by a bare number, which the next repetition of the order may show to have been the other field's. */
  amend(statement: Statement, details: Details, bare: number | null): void {
    const undo = this.claims.remember();
    this.apply(statement, details, true);
    if (bare !== null) this.tentative = { value: bare, field: details.quantity === bare ? "quantity" : "price", undo };
  }

  /** Before a repetition is applied: takes a bare number of the last correction for what the repetition says that it is. */
  settle(statement: Statement, { quantity, price }: Details): void {
    const { tentative } = this;
    this.tentative = null;
    if (!tentative || quantity === null) return;
    const { value, field, undo } = tentative;
    const isOther = field === "price" ? quantity === value && price !== value : price === value && quantity !== value;
    if (!isOther) return;
    undo();
    const confidence = statement.segment.source.confidence ** WORDS_OF_A_FIELD;
    const other = field === "price" ? "quantity" : "price";
    this.claims.claim(other, { value, readings: [value], confidence, corrects: true });
  }

  /** A correction that could not be read: what was heard so far is not to be trusted. */
  doubt(statement: Statement): void {
    this.unresolved = true;
    if (this.confirmed) this.answer = null;
    this.cite(statement.segment.evidence(statement.clause));
  }

  /** Someone asks for a confirmation. */
  ask(segment: number): void {
    this.askedAt = segment;
  }

  /** Whether a yes is the answer to something: a read back, a question, or a proposal that stands as it was made. */
  get isAsked(): boolean {
    return this.readBack || this.askedAt !== null || (this.proposed && !this.changed);
  }

  /**
   * Whether a yes still decides: after any other answer only a new statement of the order or a new question opens it again, or a clear
   * instruction, if the answer was no refusal.
   */
  isOpen(isStrong: boolean): boolean {
    if (this.unresolved) return false;
    if (this.closedUpTo === null || Math.max(this.lastSegment, this.askedAt ?? 0) > this.closedUpTo) return true;
    return isStrong && this.answer !== "REFUSED";
  }

  accept(segment: number, passage: Evidence | null): void {
    if (this.confirmed) return;
    this.answer = this.conditional ? "CONDITIONAL" : "ACCEPTED";
    this.closedUpTo = null;
    this.noteAnswer(segment, passage);
  }

  /** Anything but a yes. */
  decline(kind: Exclude<AnswerKind, "ACCEPTED">, segment: number, passage: Evidence | null): void {
    const isAnswered = this.answer !== null && !(kind === "UNCLEAR" && this.answer === "OTHER");
    const decides = kind !== "OTHER" && kind !== "UNCLEAR";
    if (!decides && isAnswered) return;
    this.answer = kind;
    // Other words before a question or a repetition in the same breath do not answer it.
    this.closedUpTo = decides ? segment : segment - 1;
    this.noteAnswer(segment, passage);
  }

  /** What stands beside a yes, or right behind it, does not fit it: a person has to say who said what. */
  doubtAnswer(segment: number, passage: Evidence | null): void {
    if (!this.confirmed || this.answeredAt === null || segment - this.answeredAt > 1) return;
    const agreed = this.answerEvidence;
    this.answer = "UNCLEAR";
    this.closedUpTo = segment;
    this.noteAnswer(segment, passage);
    this.answerEvidence = [...agreed, ...this.answerEvidence];
  }

  private noteAnswer(segment: number, passage: Evidence | null): void {
    this.noticed = true;
    this.answeredAt = segment;
    this.answerEvidence = passage === null ? [] : [passage];
    this.cite(passage);
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
    const doubt =
      (this.unresolved ? UNRESOLVED_FACTOR : 1) * (this.action !== "NEW" || this.noticed ? 1 : UNHEARD_FACTOR);
    return Math.round(this.claims.confidence(fields) * doubt * 1000) / 1000;
  }
}
