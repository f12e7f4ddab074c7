/** Users and the access log on the command line, and files that are for their owner alone. */
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { runCofi } from "../support/cofi.js";

const PASSWORD = "correct horse battery";
let root: string;
let env: Record<string, string>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-users-"));
  env = { COFI_DATA_DIR: root };
});
afterEach(() => rm(root, { recursive: true, force: true }));

const cofi = (args: string[], input?: string) => runCofi(args, env, undefined, input);

test("users are added, listed, changed and removed; the password comes from standard input, and none is an argument", async () => {
  expect((await cofi(["user", "list"])).output).toContain("There are no users.");
  expect(await cofi(["user", "add", "ann", "--role", "auditor"], `${PASSWORD}\n`)).toMatchObject({ code: 0 });
  expect(await cofi(["user", "add", "bob"], PASSWORD)).toMatchObject({ code: 0 });
  expect((await cofi(["user", "list"])).output).toMatch(/^ann {2}auditor {3}since 20.*\nbob {2}viewer {4}since 20/);
  for (const [args, input, says] of [
    [["user", "add", "ann"], PASSWORD, /There is a user ann already/],
    [
      ["user", "add", "eve", "--role", "king"],
      PASSWORD,
      /There is no role "king"\. Roles: viewer, operator, reviewer, auditor, admin\./,
    ],
    [["user", "add", "eve"], "short", /5 characters; expected 12 to 256/],
    [["user", "add", "eve", PASSWORD], undefined, /too many arguments/],
    [["user", "role", "eve", "admin"], undefined, /There is no user eve/],
    [["user", "remove", "eve"], undefined, /There is no user eve/],
  ] as [string[], string | undefined, RegExp][]) {
    const refused = await cofi(args, input);
    expect(refused.output).toMatch(says);
    expect(refused.code).toBe(2);
    expect(refused.output.trim().split("\n").length).toBeLessThan(3);
  }
  expect(await cofi(["user", "role", "bob", "operator"])).toMatchObject({ code: 0 });
  expect(await cofi(["user", "password", "bob"], `${PASSWORD} again`)).toMatchObject({ code: 0 });
  expect((await cofi(["user", "revoke", "bob"])).code).toBe(1);
  expect(await cofi(["user", "remove", "bob"])).toMatchObject({ code: 0 });
  expect((await cofi(["user", "list"])).output).not.toContain("bob");
});

test("`cofi verify` proves the access log, and names what was changed", async () => {
  expect((await cofi(["verify"])).code).toBe(2);
  await cofi(["user", "add", "ann"], PASSWORD);
  const database = await openDatabase(`sqlite:${join(root, "cofi.sqlite")}`);
  const { batchId } = await generateBatch({
    store: new Store(database),
    spoolDir: join(root, "other"),
    files: 2,
    name: "night",
  });
  const exported = await cofi([
    "export",
    "events",
    "--batch",
    String(batchId),
    "--payloads",
    "--output",
    join(root, "events.csv"),
  ]);
  expect(exported.code).toBe(0);
  const good = await cofi(["verify", "--access-log"]);
  expect(good.output).toMatch(/as it was written: 2 entries\.\n.*: 2:[0-9a-f]{64}/);
  const [, end = ""] = /(2:[0-9a-f]{64})/.exec(good.output) ?? [];
  expect(await cofi(["verify", "--access-log", "--end", end])).toMatchObject({ code: 0 });
  // Another machine has neither the key nor the ends.
  const elsewhere = {
    COFI_DATA_DIR: join(root, "elsewhere"),
    COFI_DATABASE_URL: `sqlite:${join(root, "cofi.sqlite")}`,
  };
  const unproven = await runCofi(["verify", "--access-log"], elsewhere);
  expect(unproven.output).toMatch(
    /^Entry 1, and maybe more, was signed with the key [0-9a-f]{16}, which is not in the data folder/,
  );
  expect(unproven.code).toBe(1);
  await mkdir(join(root, "elsewhere"));
  await copyFile(join(root, "access-log.key"), join(root, "elsewhere", "access-log-2.key"));
  const copied = await runCofi(["verify", "--access-log"], elsewhere);
  expect(copied.output).toMatch(/as it was written: 2 entries\.\nNothing was noted on this machine about its end/);
  expect(copied.code).toBe(0);
  await sql`DROP TRIGGER accessLog_noUpdate`.execute(database.kysely);
  await sql`DROP TRIGGER accessLog_noDelete`.execute(database.kysely);
  await sql`UPDATE accessLog SET what = 'nothing' WHERE seq = 1`.execute(database.kysely);
  await sql`DELETE FROM accessLog WHERE seq = 2`.execute(database.kysely);
  await database.close();
  const bad = await cofi(["verify", "--access-log", "--end", end]);
  expect(bad.output).toContain("Entry 1 was changed: its hash is another one.");
  expect(bad.output).toContain("Entry 2 was noted when it was written, and is not in the log any more.");
  expect(bad.code).toBe(1);
});

test("the data folder and all in it are for their owner alone, also where they were open before", async () => {
  await mkdir(join(root, "spool", "deep"), { recursive: true });
  await writeFile(join(root, "spool", "deep", "old.spool"), "");
  await cofi(["migrate"]);
  for (const name of [".", "spool", "spool/deep"]) await chmod(join(root, name), 0o755);
  for (const name of ["cofi.sqlite", "spool/deep/old.spool"]) await chmod(join(root, name), 0o644);
  await cofi(["user", "list"]);
  const open: string[] = [];
  for (const entry of [".", ...(await readdir(root, { recursive: true }))]) {
    const { mode } = await stat(join(root, entry));
    if ((mode & 0o077) !== 0) open.push(`${entry} ${(mode & 0o777).toString(8)}`);
  }
  expect(open).toEqual([]);
});

test("a database outside of the data folder is for its owner alone too", async () => {
  const path = join(root, "elsewhere", "cofi.sqlite");
  env = { COFI_DATA_DIR: join(root, "data"), COFI_DATABASE_URL: `sqlite:${path}` };
  await cofi(["migrate"]);
  await chmod(path, 0o644);
  await cofi(["user", "list"]);
  expect((await stat(path)).mode & 0o077).toBe(0);
});
