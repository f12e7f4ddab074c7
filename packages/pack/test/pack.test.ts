/** The pack of a trade: whole, the same each time, proven by other programs too, and about nobody else. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import type { NewEntry } from "@cofi/access/log-entries";
import { SigningKey } from "@cofi/evidence/seal-keys";
import { preparePack } from "@cofi/pack/make";
import { FolderRecordings } from "@cofi/pack/recordings";
import { verifyPack } from "@cofi/pack/verify";
import { DIALECTS } from "../../../test/support/databases.js";
import { bytesOf, packLab, TRADE, type PackLab } from "./packed-case.js";

const run = promisify(execFile);

let lab: PackLab;
afterEach(() => lab.close());

/** The files of a pack, as another program reads them. */
async function unzipped(path: string): Promise<{ folder: string; files: Map<string, Buffer> }> {
  const folder = `${path}.d`;
  await mkdir(folder);
  await run("unzip", ["-q", path, "-d", folder]);
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = await Promise.all(
    names.map(async ({ parentPath, name }): Promise<[string, Buffer]> => {
      const file = join(parentPath, name);
      return [file.slice(folder.length + 1), await readFile(file)];
    }),
  );
  return { folder, files: new Map(files) };
}

const entry = (what: string, action: NewEntry["action"]): NewEntry => ({
  who: "ann",
  role: "auditor",
  address: "",
  action,
  what,
  why: "",
  batchId: lab.batch.id,
  request: "r",
});

describe.each(DIALECTS)("on %s", (dialect) => {
  test("it holds the case with its recording byte for byte, proves itself, and says nothing of others", async () => {
    lab = await packLab(dialect);
    const path = await lab.pack();
    expect(await lab.verify(path)).toMatchObject({
      faults: [],
      key: { isKnown: true },
      events: { events: 4, sealed: 4, pruned: 0 },
      manifest: { tradeId: TRADE, batchId: lab.batch.id, keyId: lab.key.public.id },
    });
    const { files } = await unzipped(path);
    const [name = ""] = [...files.keys()].filter((one) => one.startsWith("recordings/"));
    expect(name).toBe("recordings/1-call_1_.wav");
    expect(files.get(name)!.equals(lab.recording)).toBe(true);
    const json = (file: string): unknown => JSON.parse(files.get(file)!.toString());
    expect(json("rows/trade.json")).toMatchObject({ tradeId: TRADE, verdict: "CONFIRMED" });
    expect(json("rows/order.json")).toMatchObject([{ tradeId: TRADE }, { tradeId: "T2" }]);
    expect(json("rows/transcripts.json")).toMatchObject([{ callId: "C1", segments: [{}, {}] }]);
    expect(json("verdicts.json")).toMatchObject([{ verdict: "CONFIRMED", restsOn: { calls: [{ callId: "C1" }] } }]);
    expect(json("reviews.json")).toMatchObject([
      { number: 1, what: "taken", who: "ann" },
      { number: 2, what: "noted", note: expect.stringContaining("Heard twice") },
    ]);
    expect(json("runs.json")).toMatchObject([{ run: 1, configuration: '{"flow":"stages"}' }]);
    const events = files.get("events.ndjson")!.toString().trim().split("\n");
    expect(events.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(lab.eventIds);
    const all = [...files.values()].map((content) => content.toString("latin1")).join("\n");
    for (const other of ["canary", "+910000000002", "other-1", "host:1"]) expect(all).not.toContain(other);
  });

  test("what retention has removed before is told from what was changed before", async () => {
    lab = await packLab(dialect);
    const [, stt = 0, llm1 = 0] = lab.eventIds;
    const update = lab.fresh.database.kysely.updateTable("batchExecutionLog");
    const removed = '{"bytes":5,"sha256":null,"removedAt":"2026-11-20T00:00:00.000Z"}';
    await update.set({ payload: null, payloadCut: removed }).where("id", "=", stt).execute();
    expect(await lab.verify(await lab.pack())).toMatchObject({ faults: [], events: { sealed: 4, pruned: 1 } });
    await update.set({ response: '{"trades":[1]}' }).where("id", "=", llm1).execute();
    expect((await lab.verify(await lab.pack())).faults).toEqual([
      `Event ${llm1} in events.ndjson is not what was sealed: it was changed in the log before the pack was made.`,
    ]);
  });
});

test("openssl and sha256sum prove it by the recipe that is in it, and find what was changed", async () => {
  lab = await packLab();
  const { folder, files } = await unzipped(await lab.pack());
  const readme = files.get("README.txt")!.toString();
  const recipe = [...readme.matchAll(/^ {2}((?:openssl|sha256sum|grep) .*)$/gm)].map(([, line]) => line);
  expect(recipe).toHaveLength(4);
  const prove = (): Promise<{ stdout: string }> => run("sh", ["-ec", recipe.join("\n")], { cwd: folder });
  expect((await prove()).stdout).toBe("Signature Verified Successfully\nSignature Verified Successfully\n");
  for (const name of ["manifest.json", "rows/trade.json", "SHA256SUMS", "seals/seal-1.txt"]) {
    const path = join(folder, name);
    const content = await readFile(path);
    await writeFile(path, Buffer.concat([content, Buffer.from(" ")]));
    await expect(prove(), name).rejects.toThrow();
    await writeFile(path, content);
  }
  await prove();
});

test("the same case gives the same bytes, but for when it was made", async () => {
  lab = await packLab();
  const [first, second] = [await unzipped(await lab.pack()), await unzipped(await lab.pack())];
  expect([...second.files.keys()]).toEqual([...first.files.keys()]);
  const differing = [...first.files].filter(([name, content]) => !second.files.get(name)?.equals(content));
  expect(differing.map(([name]) => name).toSorted()).toEqual(["manifest.json", "manifest.sig"]);
});

test("a recording that is another one by now is not packed, and one that lies elsewhere is found", async () => {
  lab = await packLab();
  const place = join(lab.folder, "batch", lab.fileName);
  await writeFile(place, "another recording");
  const pack = await lab.prepare();
  expect(pack.missing).toEqual([
    expect.stringMatching(/The recording that was processed is not there any more .*another recording lies there/),
  ]);
  const path = join(lab.folder, "without.zip");
  await writeFile(path, await bytesOf(pack));
  expect((await lab.verify(path)).faults).toEqual([]);
  const { files } = await unzipped(path);
  expect([...files.keys()].some((name) => name.startsWith("recordings/"))).toBe(false);
  expect(files.get("index.html")!.toString()).toMatch(/No sound: The recording that was processed/);

  const elsewhere = join(lab.folder, "elsewhere");
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, lab.fileName), lab.recording);
  const sources = [
    new FolderRecordings((id) => lab.store.folderOfBatch(id)),
    new FolderRecordings(() => Promise.resolve(elsewhere)),
  ];
  expect((await lab.prepare({ recordings: sources })).missing).toEqual([]);
  await rm(place);
  expect((await lab.prepare()).missing).toEqual([expect.stringMatching(/The recording is not there any more/)]);
});

test("a recording that changes while it is packed ends the pack before it is whole", async () => {
  lab = await packLab();
  let reads = 0;
  const changing = {
    async *copies() {
      yield {
        place: "a host",
        read: () => [++reads === 1 ? lab.recording : Buffer.from("other")] as unknown as AsyncIterable<Buffer>,
      };
    },
  };
  const pack = await lab.prepare({ recordings: [changing] });
  await expect(bytesOf(pack)).rejects.toThrow("The recording in a host was changed while it was packed.");
});

test("its access log holds what was done with this case, and nothing of others", async () => {
  lab = await packLab();
  const [, stt = 0] = lab.eventIds;
  const of = [
    `event ${stt}`,
    `pack of trade ${TRADE} of batch 1`,
    `recording ${JSON.stringify(lab.fileName)}`,
    "events of batch 1",
  ];
  const actions = ["reveal", "export", "play", "export"] as const;
  for (const [place, what] of of.entries()) await lab.accessLog.add(entry(what, actions[place]!));
  await lab.accessLog.add(entry(`event ${stt + 10_000}`, "reveal"));
  await lab.accessLog.add(entry("pack of trade T9 of batch 1", "export"));
  await lab.accessLog.add(entry(`files whose name has "${TRADE}"`, "search"));
  await lab.accessLog.add({ ...entry(`event ${stt}`, "reveal"), batchId: null });
  const { files } = await unzipped(await lab.pack());
  const lines = files.get("access-log.ndjson")!.toString().trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { what: string }).what)).toEqual(of.toReversed());
});

test("a trade that is not there has no pack; a key that nobody knows is said to be its own word", async () => {
  lab = await packLab();
  const options = {
    database: lab.fresh.database,
    accessLog: lab.accessLog,
    key: lab.key,
    recordings: [],
    version: "1",
  };
  const noted: string[] = [];
  const note = (): Promise<void> => Promise.resolve(void noted.push("noted"));
  expect(await preparePack(options, lab.batch, "nowhere", note)).toBeNull();
  expect(noted).toEqual([]);
  const refused = (): Promise<void> => Promise.reject(new Error("The access log cannot be written."));
  await expect(preparePack(options, lab.batch, TRADE, refused)).rejects.toThrow("The access log cannot be written.");
  const path = await lab.pack();
  expect(await verifyPack(path, new Map())).toMatchObject({ faults: [], key: { isKnown: false } });
  // Known under the id of the key that has signed, and another one.
  const other = new SigningKey(join(lab.folder, "other")).public;
  const { faults } = await verifyPack(path, new Map([[lab.key.public.id, other]]));
  expect(faults.join("\n")).toMatch(/the signature does not fit/);
  // Whoever has given a key wants to hear that another one has signed.
  expect((await verifyPack(path, new Map([[other.id, other]]), true)).faults).toEqual([
    `The pack is signed with the key ${lab.key.public.id}, which is none of those that are known.`,
  ]);
});
