/** Asks the engine of trade extraction as the tests of llm1 do. */
import { afterAll, beforeAll, expect } from "vitest";
import {
  segmentsOf,
  startTextEngine,
  type Extraction,
  type Segment,
  type TextEngine,
  type Trade,
} from "./llm-support.js";

interface Asked {
  /** Every quote of the answer is checked against the transcript. */
  extractFrom: (segments: readonly Segment[]) => Promise<Extraction>;
  extract: (...lines: string[]) => Promise<Extraction>;
  trades: (...lines: string[]) => Promise<Trade[]>;
  orders: (...lines: string[]) => Promise<string[]>;
  engine: () => TextEngine;
}

/** Starts the engine before the tests of the file, and closes it after them. */
export function useExtraction(): Asked {
  let engine: TextEngine;
  beforeAll(async () => {
    engine = await startTextEngine("llm1");
  });
  afterAll(() => engine.close());

  async function extractFrom(segments: readonly Segment[]): Promise<Extraction> {
    const response = await engine.post({ call_id: "C1", language: "en", transcript: { segments } });
    expect(response.status).toBe(200);
    const extraction = (await response.json()) as Extraction;
    for (const { evidence } of extraction.trades) {
      expect(evidence.length).toBeGreaterThan(0);
      for (const { segment, start_s, end_s, quote } of evidence) {
        const source = segments.find(({ id }) => id === segment);
        expect(source?.text).toContain(quote);
        expect([start_s, end_s]).toEqual([source?.start_s, source?.end_s]);
      }
    }
    return extraction;
  }

  const extract = (...lines: string[]): Promise<Extraction> => extractFrom(segmentsOf(lines));

  async function trades(...lines: string[]): Promise<Trade[]> {
    return (await extract(...lines)).trades;
  }

  async function orders(...lines: string[]): Promise<string[]> {
    return (await trades(...lines)).map(brief);
  }

  return { extractFrom, extract, trades, orders, engine: () => engine };
}

/** "BUY 200 INFY 1500", so that a test reads like the order. */
function brief({
  action,
  side,
  quantity,
  unit,
  symbol,
  strike,
  option_type,
  price,
  price_type,
  trigger,
}: Trade): string {
  const option = strike === null ? [] : [strike, option_type];
  const at = price ?? (price_type === "MARKET" ? "market" : "open");
  const parts = [action === "NEW" ? null : action, side, quantity, unit === "LOTS" ? "lots" : null, symbol, ...option];
  return [...parts, action === "CANCEL" ? null : at, trigger === null ? null : `trigger ${trigger}`]
    .filter((part) => part !== null)
    .join(" ");
}
