import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine } from "@cofi/engines/engine";

export interface Segment {
  id: number;
  start_s: number;
  end_s: number;
  text: string;
  confidence: number | null;
  speaker?: "dealer" | "client" | null;
}

export interface Quote {
  segment: number;
  start_s: number;
  end_s: number;
  quote: string;
}

export interface Trade {
  action: string;
  side: string | null;
  symbol: string | null;
  symbol_spoken: string | null;
  instrument: string;
  quantity: number | null;
  unit: string;
  price_type: string | null;
  price: number | null;
  trigger: number | null;
  strike: number | null;
  option_type: string | null;
  expiry: string | null;
  read_back: boolean;
  client_confirmed: boolean;
  client_answer: string;
  answer_evidence: Quote[];
  initiated_by: string;
  client_code: string | null;
  quantity_readings: number[];
  price_readings: number[];
  confidence: number;
  evidence: Quote[];
}

export interface Extraction {
  call_id: string;
  language: string | null;
  client_identity: { name: string | null; code: string | null };
  trades: Trade[];
  unknown_symbols: string[];
}

export interface TextEngine {
  post(body: unknown): Promise<Response>;
  close(): Promise<void>;
}

/** Starts an engine that reads no recordings, over HTTP. */
export async function startTextEngine(stage: string): Promise<TextEngine> {
  const filesDir = await mkdtemp(join(tmpdir(), "cofi-text-"));
  const engine = await startEngine(stage, { port: 0, filesDir });
  await engine.ready;
  return {
    post: (body) =>
      fetch(`${engine.url}/v1/${stage}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    async close() {
      await engine.close();
      await rm(filesDir, { recursive: true, force: true });
    },
  };
}

/** A transcript of one segment a line, two seconds each. */
export function segmentsOf(lines: readonly string[], confidence: number | null = 1): Segment[] {
  return lines.map((text, id) => ({ id, start_s: 2 * id, end_s: 2 * id + 2, text, confidence }));
}
