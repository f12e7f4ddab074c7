/** What `cofi` says and how it exits when something is wrong: each message names the cause and the remedy. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCofi, startCofi } from "../support/cofi.js";

let root: string;
let env: Record<string, string>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-cli-"));
  env = { COFI_DATA_DIR: join(root, "data"), COFI_PORT: "0" };
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function batch(files: Record<string, string>): Promise<string> {
  const folder = join(root, "batch");
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

const CALLS = "call_id,file_name,start_time,duration_s\nC1,a.wav,2026-11-20T09:00:00Z,10\n";
const TRADES =
  "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price\nT1,2026-11-20T09:00:05Z,AB1,D1,INFY,BUY,1,1\n";

describe("cofi run", () => {
  test.each([
    ["a folder that does not exist", async () => join(root, "nowhere"), /nowhere does not exist\. Check the path/],
    [
      "a folder without calls.csv",
      () => batch({ "trades.csv": TRADES, "a.wav": "x" }),
      /calls\.csv does not exist.*A batch folder holds/,
    ],
    ["a folder without recordings", () => batch({ "calls.csv": CALLS, "trades.csv": TRADES }), /holds no recordings/],
  ])("refuses %s and writes no batch", async (_name, folder, message) => {
    const { code, output } = await runCofi(["run", await folder()], env);
    expect([code, output]).toEqual([2, expect.stringMatching(message)]);
    expect(output).not.toMatch(/\n {4}at /);
    expect((await runCofi(["tail"], env)).output).toMatch(/There is no batch yet/);
  });

  test.each([
    ["an empty CSV", "", /callmetadata: .*calls\.csv is empty/],
    [
      "wrong columns",
      "id;name\n1;2\n",
      /callmetadata: .*calls\.csv lacks the columns call_id, file_name.* Found: id, name\. /,
    ],
  ])("a batch with %s fails with the reason", async (_name, calls, message) => {
    const folder = await batch({ "calls.csv": calls, "trades.csv": TRADES, "a.wav": "x" });
    const { code, output } = await runCofi(["run", folder], env);
    expect([code, output]).toEqual([1, expect.stringMatching(message)]);
  });

  test("a recording of 0 bytes, and one that is not audio, fail by name with the engine's reason", async () => {
    const names = ["a.wav", "quote'\" .wav", "line\nbreak.wav"];
    const rows = names.map((name, n) => `C${n},"${name.replaceAll('"', '""')}",2026-11-20T09:00:00Z,10`);
    const files = { "a.wav": "", "quote'\" .wav": "no audio", "line\nbreak.wav": "RIFF" };
    const calls = `call_id,file_name,start_time,duration_s\n${rows.join("\n")}\n`;
    const folder = await batch({ ...files, "calls.csv": calls, "trades.csv": TRADES });
    const { code, output } = await runCofi(["run", folder], env);
    expect([code, output]).toEqual([1, expect.stringMatching(/completed with errors\. 3 failed in denoise/)]);
    const log = (await runCofi(["tail"], env)).output;
    expect(log).toMatch(/denoise +error +a\.wav.*0 bytes|denoise +error +a\.wav.*empty/i);
    expect(log).toMatch(/denoise +error +line\uFFFDbreak\.wav/);
  });

  test("a database that cannot be reached is named, without its password", async () => {
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "x" });
    const { code, output } = await runCofi(["run", folder], {
      ...env,
      COFI_DATABASE_URL: "mysql://u:secret@127.0.0.1:1/cofi",
    });
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/mysql:\/\/u@127\.0\.0\.1:1\/cofi is unavailable: .*ECONNREFUSED.*COFI_DATABASE_URL/),
    ]);
    expect(output).not.toContain("secret");
  });

  test("a wrong log level is named", async () => {
    const { code, output } = await runCofi(["serve"], { ...env, COFI_LOG_LEVEL: "loud" });
    expect([code, output]).toEqual([2, expect.stringMatching(/COFI_LOG_LEVEL is "loud"; expected one of trace/)]);
  });

  test.each([
    [{ COFI_ATTEMPTS: "many" }, /COFI_ATTEMPTS is "many"; expected a whole number from 1 to 100/],
    [{ COFI_DATABASE_URL: "oracle://x/y" }, /COFI_DATABASE_URL/],
    [{ COFI_TIME_ZONE: "Mars/Olympus" }, /COFI_TIME_ZONE is "Mars\/Olympus"/],
    [{ COFI_STT_OPENAI_URL: "http://127.0.0.1:1" }, /COFI_STT_OPENAI_MODEL is not set/],
    [{ COFI_ENGINE_STT_URLS: "gpu-1" }, /COFI_ENGINE_STT_URLS holds "gpu-1"/],
  ])("a wrong setting is named: %j", async (setting, message) => {
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "x" });
    const { code, output } = await runCofi(["run", folder], { ...env, ...setting });
    expect([code, output]).toEqual([2, expect.stringMatching(message)]);
  });

  test("Ctrl-C stops it with exit code 130, and the same command continues the batch", async () => {
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "no audio" });
    const running = startCofi(["run", folder], env);
    await running.printed(/Batch 1/);
    running.kill("SIGINT");
    expect([await running.ended, running.output()]).toEqual([
      130,
      expect.stringMatching(/Batch 1 interrupted\. .*the same command continues/),
    ]);
    const again = await runCofi(["run", folder], env);
    expect(again).toMatchObject({ code: 1, output: expect.stringMatching(/Continuing batch 1/) });
  });
});

describe("cofi", () => {
  test("a port in use is named, with the remedy", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, output } = await runCofi(["serve"], { ...env, COFI_PORT: String(port) });
    other.close();
    expect([code, output]).toEqual([1, expect.stringMatching(new RegExp(`${port}.*COFI_PORT`))]);
  });

  test.each([
    [[]],
    [["dance"]],
    [["run"]],
    [["engine", "dance"]],
    [["run", "x", "--batch", "1", "--new"]],
    [["prune"]],
    [["prune", "--payloads", "5 minutes"]],
  ])("wrong use exits with 2 and a sentence: %j", async (args) => {
    const { code, output } = await runCofi(args, env);
    expect(code).toBe(2);
    expect(output).not.toMatch(/\n {4}at /);
  });

  test("an engine is not opened to the network without a token", async () => {
    const { code, output } = await runCofi(["engine", "denoise", "--host", "0.0.0.0"], env);
    expect([code, output]).toEqual([2, expect.stringMatching(/^The engine was asked to .*Set COFI_ENGINE_TOKEN.*\n$/)]);
  });

  test.each([["run", "x"], ["tail"], ["explain", "T1"], ["export", "files"]])(
    "%s takes the number of a batch, and nothing that only looks like one",
    async (...args) => {
      for (const number of ["one", "1e1", "0x1", ""])
        expect(await runCofi([...args, "--batch", number], env)).toEqual({
          code: 2,
          output: `--batch takes the number of a batch, not ${JSON.stringify(number)}.\n`,
        });
    },
  );

  test("a name that no batch can have is refused before there is one", async () => {
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "x" });
    for (const name of ["x".repeat(256), " "])
      expect(await runCofi(["run", folder, "--name", name], env)).toEqual({
        code: 2,
        output: expect.stringMatching(/^--name takes 1 to 255 characters/),
      });
    expect((await runCofi(["tail"], env)).output).toMatch(/There is no batch yet/);
  });

  test("a .env that cannot be read is named", async () => {
    await mkdir(join(root, ".env"));
    const { code, output } = await runCofi(["migrate"], env, root);
    expect([code, output]).toEqual([2, expect.stringMatching(/^\.env .*cannot be read: .*\n$/)]);
  });

  test("a reader that goes away (`cofi run | head`) does not end the batch", async () => {
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "x" });
    const run = startCofi(["run", folder], env);
    await run.printed(/Batch 1/);
    run.closeOutput();
    expect(await run.ended).toBe(1);
    expect((await runCofi(["tail"], env)).output).toMatch(/Batch 1 is (completed with errors|failed)/);
  });

  test("helps on every command", async () => {
    for (const command of ["up", "migrate", "run", "serve", "tail", "prune", "engine"]) {
      const { code, output } = await runCofi([command, "--help"], env);
      expect([code, output]).toEqual([0, expect.stringMatching(new RegExp(`Usage: cofi ${command}`))]);
    }
  });

  test("prunes by the ages of its settings, and refuses a schedule that says not what may go", async () => {
    const kept = await runCofi(["prune", "--dry-run"], { ...env, COFI_KEEP_PAYLOADS: "90d" });
    expect(kept).toEqual({ code: 0, output: expect.stringMatching(/^0 batches would be pruned\.$/m) });
    for (const settings of [
      { COFI_PRUNE_AT: "25:00" },
      { COFI_PRUNE_AT: "03:30" },
      { COFI_KEEP_EVENTS: "soon", COFI_PRUNE_AT: "03:30" },
    ]) {
      const { code, output } = await runCofi(["serve"], { ...env, COFI_PORT: "0", ...settings });
      expect([code, output]).toEqual([2, expect.stringMatching(/COFI_(PRUNE_AT|KEEP_EVENTS)/)]);
    }
  });

  test("exports files and events, to a file that appears whole, and says what it does not know", async () => {
    const empty = await runCofi(["export", "events"], {
      ...env,
      COFI_DATABASE_URL: `sqlite:${join(root, "x.sqlite")}`,
    });
    expect([empty.code, empty.output]).not.toEqual([0, ""]);
    expect((await runCofi(["migrate"], env)).code).toBe(0);
    expect(await runCofi(["export", "files"], env)).toMatchObject({ code: 2 });
    const folder = await batch({ "calls.csv": CALLS, "trades.csv": TRADES, "a.wav": "" });
    await runCofi(["run", folder], env);
    const output = join(root, "events.ndjson");
    expect(await runCofi(["export", "events", "--format", "ndjson", "--output", output], env)).toMatchObject({
      code: 0,
    });
    const lines = (await readFile(output, "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { stage: string }).stage)).toContain("file_distribution");
    expect(lines[0]).not.toContain('"payload"');
    expect((await stat(output)).mode & 0o077).toBe(0);
    const files = await runCofi(["export", "files"], env);
    expect(files.output).toMatch(/fileName,audioSeconds,stage,state[^]*a\.wav,10,file_distribution,/);
    for (const wrong of [
      ["export", "trades"],
      ["export", "files", "--format", "xlsx"],
      ["export", "files", "--batch", "x"],
    ])
      expect(await runCofi(wrong, env)).toMatchObject({ code: 2 });
    const unwritable = await runCofi(["export", "files", "--output", join(root, "no", "such.csv")], env);
    expect([unwritable.code, unwritable.output]).toEqual([1, expect.stringMatching(/such\.csv cannot be written/)]);
  });

  test("keeps its data in the configured folder", async () => {
    await runCofi(["migrate"], env);
    expect(await readdir(join(root, "data"))).toContain("cofi.sqlite");
  });
});
