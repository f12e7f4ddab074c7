/** `cofi check`: the first command of a new user with their own files. */
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCofi } from "../support/cofi.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-check-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const CALLS = "call_id,file_name,start_time,duration_s,direction,caller_number,callee_number,dealer_id,client_code\n";
const TRADES = "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price\n";
const TRADE = "T1,2026-11-20T09:16:05+05:30,AB1,+919810000001,D01,INFY,BUY,120,1499.50\n";

async function check(files: Record<string, string>, env: Record<string, string> = {}, ...options: string[]) {
  for (const [name, content] of Object.entries({ "c1.wav": "", "c2.wav": "", "trades.csv": TRADES + TRADE, ...files }))
    await writeFile(join(folder, name), content);
  return runCofi(["check", folder, ...options], { COFI_DATA_DIR: join(folder, "none"), ...env });
}

test("says of odd rows what it understands of them, writes nothing, and ends well where nothing would be refused", async () => {
  const calls =
    "C1,C1.WAV,2026-11-20T09:15:00+05:30,10,IN,anonymous,+912240000000,D01,AB1\n" +
    "C2,c2.wav,20/11/2026 09:15,10,INBOUND,09810000002,+912240000000,D01,AB2\n";
  const { code, output } = await check(
    { "calls.csv": CALLS + calls },
    { COFI_TIME_ZONE: "Asia/Kolkata", COFI_PHONE_COUNTRY: "IN" },
  );
  expect(code).toBe(0);
  for (const said of [
    "Times without an offset are those of Asia/Kolkata",
    "Phone numbers without a country code are those of IN",
    "calls.csv: 2 rows, 2 understood, 0 refused; 2 warnings, 2 notes. Text in utf-8, separated by commas.",
    "not there: extension, channels",
    'warning  line 2: caller_number names no number; it is taken as not given: "anonymous".',
    'note     line 2: file_name is "c1.wav" in another case: "C1.WAV".',
    "read as: C1 · c1.wav · 2026-11-20T03:45:00.000Z · 10 s · IN · to +91…00 · dealer D01 · client AB1",
    "warning  line 3: direction must be one of IN, OUT",
    "from +91…02 · to +91…00",
    "Triage of the trades, by these rows alone: 1 WEAK_MATCH.",
    "A run would refuse nothing. 2 values need a look: see the warnings.",
  ])
    expect(output).toContain(said);
  expect(output).not.toMatch(/98100/);
  expect(await readdir(folder)).toEqual(["c1.wav", "c2.wav", "calls.csv", "trades.csv"]);
});

test("names what would be refused, the first of each kind, and all of it with --all", async () => {
  const bad = Array.from({ length: 30 }, (_, n) => `C${n},no${n}.wav,2026-11-20T09:15:00Z,10,,,,,\n`);
  const files = { "calls.csv": `${CALLS}${bad.join("")}C99,c1.wav,2026-11-20T09:15:00Z,10,,,,,\n` };
  const { code, output } = await check(files);
  expect(code).toBe(1);
  expect(output.match(/REFUSED {2}line/g)).toHaveLength(10);
  expect(output).toContain("REFUSED  20 more of file_name (FILE_NOT_FOUND): --all lists them.");
  expect(output).toMatch(/line 11: .*\n.*REFUSED {2}file_name has no row for this recording: "c2\.wav"\./);
  expect(output).toContain("A run would refuse 30 rows of calls.csv, 1 recording without a row.");
  expect((await check(files, {}, "--all")).output.match(/REFUSED {2}line/g)).toHaveLength(30);
});

test("goes on to the other file where one cannot be used", async () => {
  const { code, output } = await check({
    "calls.csv": "id,name\n1,2\n",
    "trades.csv": `${TRADES + TRADE}Total,,,,,,,120,\n`,
  });
  expect(code).toBe(1);
  expect(output).toMatch(
    /calls\.csv cannot be used\.\n .*lacks the columns call_id, file_name, start_time, duration_s/,
  );
  expect(output).toContain("trades.csv: 2 rows, 1 understood, 1 refused");
  expect(output).toContain("A run would refuse calls.csv as a whole, 1 row of trades.csv.");
});

test("reads through the mappings that come with Cofi", async () => {
  const calls =
    '"D01","9810000001","4711","from-trunk","x","SIP/1","SIP/2","Dial","","2026-11-20 03:44:50","2026-11-20 03:45:00","2026-11-20 03:45:10",20,10,"ANSWERED","DOCUMENTATION","17.1","c1.wav"\n'.repeat(
      1,
    );
  const trades =
    "Trade No,Order Time,Client Code,Mobile,User ID,Symbol,Instrument,Expiry Date,Strike Price,Option Type,Buy/Sell,Trade Qty,Trade Price\n" +
    '1,20-11-2026 09:16:05,AB1,9810000001,D01,INFY,FUTSTK,26-NOV-2026,-1,XX,1,120,"1,499.50"\n';
  await rm(join(folder, "c2.wav"), { force: true });
  const env = { COFI_CSV_MAPPING: "asterisk-cdr,nse-bse-trades", COFI_PHONE_COUNTRY: "IN" };
  await check({ "calls.csv": calls, "trades.csv": trades }, env);
  await rm(join(folder, "c2.wav"));
  const { code, output } = await runCofi(["check", folder], env);
  expect(output).toContain(
    "T1".replace("T", "") +
      " · 2026-11-20T03:46:05.000Z · client AB1 (+91…01) · dealer D01 · INFY FUT 2026-11-26 · BUY 120 at 1499.5",
  );
  expect(output).toContain("1 MATCHED");
  expect(code).toBe(0);
});

test.each([
  [{ COFI_PHONE_COUNTRY: "India" }, /COFI_PHONE_COUNTRY is "India"; expected a country of ISO 3166/],
  [{ COFI_CSV_MAPPING: "none.json" }, /COFI_CSV_MAPPING names none\.json, which cannot be read as JSON/],
])("a wrong setting is named: %j", async (env, message) => {
  const { code, output } = await check({ "calls.csv": CALLS }, env);
  expect([code, output]).toEqual([2, expect.stringMatching(message)]);
});

test("a folder that is no batch is wrong use", async () => {
  const { code, output } = await runCofi(["check", join(folder, "nowhere")], {});
  expect([code, output]).toEqual([2, expect.stringMatching(/nowhere does not exist\. Check the path/)]);
});

test("lists the odd rows of the sample batch", async () => {
  await cp("samples/batch", folder, { recursive: true });
  const { code, output } = await runCofi(["check", folder], {});
  expect(code).toBe(1);
  expect(output).toContain("calls.csv: 20 rows, 15 understood, 5 refused; 2 warnings, 0 notes.");
  expect(output).toContain("trades.csv: 28 rows, 22 understood, 6 refused; 1 warning, 0 notes.");
});
