/** Common mistakes with the database and the data folder: one sentence that says what to do, the exit code, and no batch. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createDatabaseOn } from "../support/server.js";
import { runCofi } from "../support/cofi.js";

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-cli-database-"));
  folder = join(root, "batch");
  await mkdir(folder);
  await writeFile(join(root, "file"), "no database at all\n");
  await writeFile(join(folder, "a.wav"), "x");
  await writeFile(
    join(folder, "calls.csv"),
    "call_id,file_name,start_time,duration_s\nC1,a.wav,2026-11-20T09:00:00Z,10\n",
  );
  await writeFile(
    join(folder, "trades.csv"),
    "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,AB1,D1,INFY,BUY,1,1\n",
  );
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** One sentence, or a few, on one line; nothing of a stack. */
function expectSentence(output: string, pattern: RegExp): void {
  expect(output).toMatch(pattern);
  expect(output.trim().split("\n")).toHaveLength(1);
  expect(output).not.toMatch(/ at .*:\d+:\d+/);
}

test.each([
  [
    "a data folder that is a file",
    () => ({ COFI_DATA_DIR: join(root, "file") }),
    /file\/cofi\.sqlite cannot be opened: |The data folder .*file cannot be written to: /,
  ],
  [
    "a data folder below a file",
    () => ({ COFI_DATA_DIR: join(root, "file", "data") }),
    /data\/cofi\.sqlite cannot be|The data folder .*data cannot be written to: /,
  ],
  [
    "a text file",
    () => ({ COFI_DATABASE_URL: `sqlite:${join(root, "file")}` }),
    /file cannot be opened: .*not a database/,
  ],
  ["a folder", () => ({ COFI_DATABASE_URL: `sqlite:${root}` }), /cannot be opened: .*Check COFI_DATABASE_URL/],
])("%s in place of the database", async (_name, settings, message) => {
  const env = { COFI_DATA_DIR: join(root, "data"), ...settings() };
  for (const args of [["run", folder], ["serve"], ["tail"], ["migrate"]]) {
    const { code, output } = await runCofi(args, { COFI_PORT: "0", ...env });
    expect([args[0], code]).toEqual([args[0], 2]);
    expectSentence(output, message);
  }
});

test.each([
  [
    "a wrong password",
    (url: string) => url.replace(/:[^:@]+@/, ":wrong@"),
    2,
    /rejected the connection: Access denied/,
  ],
  ["an unknown database", (url: string) => `${url}_not`, 2, /rejected the connection: Unknown database .*_not/],
  ["a typo in the host", (url: string) => url.replace("127.0.0.1", "db.invalid"), 1, /db\.invalid.* is unavailable: /],
])("%s", async (_name, change, exitCode, message) => {
  const { url, drop } = await createDatabaseOn(inject("serverUrl"));
  try {
    const wrong = change(url);
    const { code, output } = await runCofi(["run", folder], {
      COFI_DATA_DIR: join(root, "data"),
      COFI_DATABASE_URL: wrong,
    });
    expect(code).toBe(exitCode);
    expectSentence(output, message);
    expect(output).not.toContain(new URL(wrong).password);
  } finally {
    await drop();
  }
});

test.each([
  ["is a file", () => join(root, "file")],
  ["lies below a file", () => join(root, "file", "data")],
])("a data folder that %s leaves no batch open on the server", async (_name, dataDir) => {
  const { url, drop } = await createDatabaseOn(inject("serverUrl"));
  try {
    const env = { COFI_DATA_DIR: dataDir(), COFI_DATABASE_URL: url };
    expect((await runCofi(["migrate"], env)).code).toBe(0);
    const { code, output } = await runCofi(["run", folder], env);
    expect(code).toBe(2);
    expectSentence(output, /The data folder .* cannot be written to: .*Check COFI_DATA_DIR/);
    const connection = await createConnection({ uri: url });
    const [rows] = await connection.query<RowDataPacket[]>("SELECT id FROM batchStatus");
    await connection.end();
    expect(rows).toEqual([]);
  } finally {
    await drop();
  }
});
