/** `cofi key`, `cofi pack` and `cofi verify` on a batch that was run: what is handed out is proven, noted and whole, or not there. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Store } from "@cofi/event-log/store";
import { runCofi, startCofi } from "../support/cofi.js";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../support/databases.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";
import { wavFile } from "../../packages/pipeline/test/wav-file.js";

describe.each(DIALECTS)("on %s", (dialect) => {
  let folder: string;
  let engine: ScriptedEngine;
  let fresh: FreshDatabase;
  let env: Record<string, string>;
  const recording = wavFile(10);
  const cofi = (...args: string[]) => runCofi(args, env, folder);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cofi-pack-"));
    engine = await startScriptedEngine({ keepsFiles: true });
    fresh = await freshDatabase(dialect);
    const stages = ["FILE_DISTRIBUTION", "DENOISE", "IVR", "LID", "STT", "LLM1", "LLM2"];
    env = {
      COFI_DATABASE_URL: fresh.url,
      COFI_DATA_DIR: join(folder, "data"),
      ...Object.fromEntries(stages.map((stage) => [`COFI_ENGINE_${stage}_URLS`, engine.url])),
    };
    await mkdir(join(folder, "batch"));
    const when = "2026-11-20T09:00:00Z";
    await writeFile(
      join(folder, "batch", "calls.csv"),
      `call_id,file_name,start_time,duration_s,caller_number,dealer_id,client_code\nC1,c1.wav,${when},10,+919810010000,D1,AB1\n`,
    );
    await writeFile(
      join(folder, "batch", "trades.csv"),
      `trade_id,order_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source\n` +
        `T1,O1,2026-11-20T09:00:05Z,AB1,+919810010000,D1,INFY,BUY,200,1500,DEALER\n`,
    );
    await writeFile(join(folder, "batch", "c1.wav"), recording);
    expect(await cofi("run", join(folder, "batch"))).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await fresh.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it("a batch that has ended is sealed; the key and the end of the chain can be given away", async () => {
    const key = await cofi("key");
    expect(key.output).toMatch(/The key is in .*signing\.key, for this user alone/);
    expect(key.output).toMatch(/-----BEGIN PUBLIC KEY-----/);
    const all = await cofi("verify", "--batch");
    expect(all.output).toMatch(/^Batch 1: \d+ events in 1 seal\.\nThe chain of 1 seal is as it was written\.\n/);
    const end = /(1:[0-9a-f]{64})/.exec(all.output)?.[1] ?? "";
    expect(await cofi("verify", "--batch", "1", "--end", end)).toMatchObject({ code: 0 });
    const other = await cofi(
      "verify",
      "--batch",
      "1",
      "--end",
      end.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
    );
    expect(other).toMatchObject({ code: 1, output: expect.stringContaining("Seal 1 has another hash") });
    expect(await cofi("verify", "--batch", "77")).toMatchObject({ code: 2, output: "There is no batch 77.\n" });
    expect(await cofi("verify")).toMatchObject({ code: 2 });
  });

  it("the pack of a trade is proven without a database, and its making is in the access log", async () => {
    const made = await cofi("pack", "T1", "--reason", "for the regulator");
    const path = join(folder, "cofi-batch-1-T1.zip");
    expect(made).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${path} is the pack of trade T1 of batch 1`),
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const alone = (...args: string[]) =>
      runCofi(
        ["verify", path, ...args],
        { COFI_DATABASE_URL: "mysql://u:p@127.0.0.1:1/none", COFI_DATA_DIR: join(folder, "nowhere") },
        folder,
      );
    const own = await alone();
    expect(own.output).toMatch(/The pack is as it was made: trade T1 of batch 1/);
    expect(own.output).toMatch(/All \d+ events are proven by the seals of the batch\./);
    expect(own.output).toMatch(/which came with the pack: compare it/);
    const { output } = await cofi("key");
    await writeFile(join(folder, "known.pem"), output.slice(output.indexOf("-----BEGIN")));
    expect((await alone("--key", join(folder, "known.pem"))).output).toMatch(/which is known here/);
    const stranger = await runCofi(["key"], { COFI_DATA_DIR: join(folder, "stranger") }, folder);
    await writeFile(join(folder, "stranger.pem"), stranger.output.slice(stranger.output.indexOf("-----BEGIN")));
    expect(await alone("--key", join(folder, "stranger.pem"))).toMatchObject({
      code: 1,
      output: expect.stringMatching(/which is none of those that are known/),
    });
    expect(await alone("--key", path)).toMatchObject({ code: 2, output: expect.stringMatching(/is not a public key/) });
    const whole = await readFile(path);
    whole[whole.indexOf("RIFF") + 1_000]! ^= 1;
    await writeFile(path, whole);
    expect(await alone()).toMatchObject({
      code: 1,
      output: expect.stringMatching(/recordings\/1-c1\.wav was changed/),
    });
    const rows = await fresh.database.kysely
      .selectFrom("accessLog")
      .select(["action", "what", "why", "batchId"])
      .execute();
    expect(rows).toEqual([
      { action: "export", what: "pack of trade T1 of batch 1", why: "for the regulator", batchId: 1 },
    ]);
    expect(await cofi("pack", "T9")).toMatchObject({ code: 2, output: "Batch 1 has no trade T9.\n" });
  });

  it("the recording is taken from the engine's host where the folder has it no more", async () => {
    await rm(join(folder, "batch", "c1.wav"));
    const found = await cofi("pack", "T1", "--output", "host.zip");
    expect(found.code, found.output).toBe(0);
    expect(await cofi("verify", "host.zip")).toMatchObject({ code: 0 });
    expect((await readFile(join(folder, "host.zip"))).includes(recording)).toBe(true);
    engine.forget();
    const gone = await cofi("pack", "T1", "--output", "without.zip");
    expect(gone).toMatchObject({ code: 1, output: expect.stringMatching(/Not in it: c1\.wav: The recording/) });
    expect(await cofi("verify", "without.zip")).toMatchObject({ code: 0 });
    await writeFile(join(folder, "batch", "c1.wav"), recording);
  });

  it("what was changed in the log is named", async () => {
    const { events } = await new Store(fresh.database).events(1, { stage: "stt", limit: 10 });
    const id = events.find(({ eventType }) => eventType === "file_complete")?.id ?? 0;
    const response = (await new Store(fresh.database).event(id))?.response ?? "";
    const store = (text: string): Promise<unknown> =>
      sql`UPDATE batchExecutionLog SET response = ${text} WHERE id = ${id}`.execute(fresh.database.kysely);
    await store(response.replace("two hundred", "one hundred"));
    const verified = await cofi("verify", "--batch", "1");
    expect(verified).toMatchObject({
      code: 1,
      output: expect.stringContaining(`Event ${id} was changed in response.`),
    });
    await cofi("pack", "T1", "--output", "changed.zip");
    expect(await cofi("verify", "changed.zip")).toMatchObject({
      code: 1,
      output: expect.stringContaining(`Event ${id} in events.ndjson is not what was sealed`),
    });
    await store(response);
    expect(await cofi("verify", "--batch", "1")).toMatchObject({ code: 0 });
  });

  it("a batch that is run again is sealed again", async () => {
    expect(await cofi("run", join(folder, "batch"), "--batch", "1")).toMatchObject({ code: 0 });
    expect((await cofi("verify", "--batch")).output).toMatch(/^Batch 1: \d+ events in 2 seals\.\nThe chain of 2 seals/);
  });

  it("what ends the making leaves no half pack, and what cannot be noted is not made", async () => {
    // Long enough to be stopped in: it is hashed, then packed.
    const out = join(folder, "packs");
    await mkdir(out);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const making = startCofi(["pack", "T1", "--output", join(out, "pack.zip")], env, folder);
      const state = { hasEnded: false };
      void making.ended.then(() => (state.hasEnded = true));
      while (!state.hasEnded && (await readdir(out)).length === 0) await new Promise((done) => setImmediate(done));
      making.kill(signal);
      await making.ended;
      const left = await readdir(out);
      if (left.includes("pack.zip")) expect(await cofi("verify", join(out, "pack.zip"))).toMatchObject({ code: 0 });
      await rm(join(out, "pack.zip"), { force: true });
    }
    const nowhere = await cofi("pack", "T1", "--output", join(folder, "nowhere", "pack.zip"));
    expect(nowhere).toMatchObject({
      code: 1,
      output: expect.stringMatching(/cannot be written: .*Nothing of it was left there/),
    });
    await rm(out, { recursive: true });
    await mkdir(out);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", out]);
    try {
      const full = await cofi("pack", "T1", "--output", join(out, "pack.zip"));
      expect(full).toMatchObject({
        code: 1,
        output: expect.stringMatching(/pack\.zip cannot be written: the disk is full\./),
      });
      expect(await readdir(out)).toEqual([]);
    } finally {
      execFileSync("umount", ["--lazy", out]);
    }
    await sql`ALTER TABLE accessLog RENAME TO accessLogAway`.execute(fresh.database.kysely);
    try {
      const refused = await cofi("pack", "T1", "--output", join(out, "pack.zip"));
      expect(refused.code).not.toBe(0);
      expect(await readdir(out)).toEqual([]);
    } finally {
      await sql`ALTER TABLE accessLogAway RENAME TO accessLog`.execute(fresh.database.kysely);
    }
  });
});
