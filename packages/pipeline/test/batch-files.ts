/** A batch folder of a test's own, written file by file. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const CALLS_HEADER =
  "call_id,file_name,start_time,duration_s,direction,caller_number,callee_number,extension,dealer_id,client_code,channels";
export const TRADES_HEADER =
  "trade_id,order_id,order_time,trade_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source";

/** A new folder with these files; removed when the test ends. */
export async function folderWith(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-batch-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** A batch of one good call and one good trade, with `files` added or put in their place. */
export function batchWith(files: Record<string, string | Buffer> = {}): Promise<string> {
  return folderWith({
    "a.wav": "",
    "calls.csv": `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00+05:30,60,IN,+919812345678,,2104,D07,C1,2\n`,
    "trades.csv": `${TRADES_HEADER}\nt1,o1,2026-11-20T09:17:00+05:30,,C1,+919812345678,D07,RELIANCE,BUY,10,1650.5,DEALER\n`,
    ...files,
  });
}

/** Recordings of which each has its call (`C0` …) and its trade (`T0` …), which a scripted engine confirms. */
export const FILES = Array.from({ length: 30 }, (_, n) => `call-${String(n).padStart(2, "0")}.wav`);

/** The row of a call in calls.csv. */
export function callOf(file: string, n: number): string {
  return `C${n},${file},2026-11-20T09:${10 + n}:00Z,10,IN,+9198100000${10 + n},,,D1,AB${n},1`;
}

/** A batch of {@link FILES}. */
export function batchOfFiles(): Promise<string> {
  const trade = (_: string, n: number) =>
    `T${n},,2026-11-20T09:${10 + n}:05Z,,AB${n},+9198100000${10 + n},D1,INFY,BUY,200,1500,DEALER`;
  return folderWith({
    ...Object.fromEntries(FILES.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...FILES.map(callOf)].join("\n"),
    "trades.csv": [TRADES_HEADER, ...FILES.map(trade)].join("\n"),
  });
}
