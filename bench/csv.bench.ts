/** `cofi check` over the number of rows, for each kind of row: time and memory grow with the file, whatever is in it. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, test } from "vitest";
import { record } from "./support/results.js";

const COFI = fileURLToPath(new URL("../packages/cli/bin/cofi.js", import.meta.url));
const LEAST = Number(process.env["COFI_CSV_ROWS"] ?? 50_000);
const SIZES = [LEAST, 2 * LEAST, 4 * LEAST];

const HEADER = "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,note";
const rowOf = (
  n: number,
  { time = "2026-11-20T09:17:00", phone = `+9198123${10_000 + (n % 89_999)}`, side = "BUY", note = "" },
) => `t${n},${time},C${n},${phone},D07,INFY,${side},10,1500.5,${note}`;

const KINDS: Readonly<Record<string, (n: number) => string>> = {
  "good rows": (n) => rowOf(n, {}),
  "rows with a warning": (n) => rowOf(n, { phone: "withheld" }),
  "rows with two errors": (n) => rowOf(n, { time: "never", side: "HOLD" }),
  "rows with a quote after a quoted value": (n) => rowOf(n, { note: '"x"y' }),
  "rows with a quote that is not closed": (n) => rowOf(n, { note: '"x' }),
  "rows with quotes inside and not closed": (n) => rowOf(n, { phone: 'x"', note: '"y' }),
};

/** Milliseconds, and the most memory in MB; both include the start of the process. */
async function checked(trades: string): Promise<{ ms: number; mb: number }> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-csv-"));
  try {
    await writeFile(join(folder, "a.wav"), "");
    await writeFile(
      join(folder, "calls.csv"),
      "call_id,file_name,start_time,duration_s\nC1,a.wav,2026-11-20T09:15:00Z,10\n",
    );
    await writeFile(join(folder, "trades.csv"), trades);
    const usage = join(folder, "usage.json");
    const script = `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.resourceUsage().maxRSS)));`;
    const hook = join(folder, "usage.cjs");
    await writeFile(hook, script);
    const started = performance.now();
    const { status, stderr } = spawnSync(process.execPath, ["--require", hook, COFI, "check", folder], {
      encoding: "utf8",
    });
    if (status !== 0 && status !== 1) throw new Error(`cofi check ended with ${status}: ${stderr}`);
    return { ms: performance.now() - started, mb: Number(await readFile(usage, "utf8")) / 1024 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const memory: Record<string, number> = {};
afterAll(() => record(`cofi check, memory at ${SIZES.at(-1)!.toLocaleString("en")} rows`, "MB", memory));

test.each(Object.entries(KINDS))("%s", async (kind, row) => {
  const measured: Record<string, number> = {};
  for (const size of SIZES) {
    const lines = Array.from({ length: size }, (_, n) => row(n));
    const { ms, mb } = await checked([HEADER, ...lines, ""].join("\n"));
    measured[`${size.toLocaleString("en")} rows`] = ms;
    memory[kind] = mb;
  }
  await record(`cofi check, ${kind}`, "ms", measured);
});

test("columns that nobody uses", async () => {
  const measured: Record<string, number> = {};
  for (const columns of [20_000, 40_000, 80_000]) {
    const more = Array.from({ length: columns }, (_, n) => `,x${n}`).join("");
    const { ms } = await checked([`${HEADER}${more}`, rowOf(1, {}) + ",".repeat(columns), ""].join("\n"));
    measured[`${columns.toLocaleString("en")} columns`] = ms;
  }
  await record("cofi check, columns that nobody uses", "ms", measured);
});
