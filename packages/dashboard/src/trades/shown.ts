/** Trades and calls as they are shown to somebody: contents as pseudonyms, or as they are. */
import type { EventLens } from "@cofi/event-log/lens";
import type { Evidence } from "@cofi/evidence/records";
import type { Quote } from "@cofi/evidence/shapes";

/**
 * Contents of trades and calls are who the client is (code, telephone numbers, name), and all that was said or follows from it: transcripts,
 * quotes, spoken orders, reasons. What was executed, by which dealer and when, is none. Names of trades, orders, calls and files are shown
 * without telephone numbers.
 */
export class Shown {
  readonly masked: boolean;
  readonly #lens: EventLens;

  constructor(lens: EventLens, masked: boolean) {
    this.#lens = lens;
    this.masked = masked;
  }

  name<T extends string | null>(stored: T): T {
    return (stored === null ? null : this.#lens.name(stored)) as T;
  }

  storedName(shown: string): string {
    return this.#lens.storedName(shown);
  }

  /** Equal contents have equal pseudonyms. */
  content<T extends string | number | null>(value: T): T extends null ? string | null : string {
    return (value === null ? null : this.#lens.content(String(value))) as T extends null ? string | null : string;
  }

  /** Sentences that hold contents: nothing of them where contents are masked. */
  sentence(text: string | null): string | null {
    return this.masked ? null : text;
  }

  quotes(evidence: readonly Evidence[]): Quote[] {
    return evidence.map(({ start_s: startS, end_s: endS, quote }) => ({ startS, endS, text: this.content(quote) }));
  }
}
