/** What is done to a pack is found and named, and a zip that only pretends to be one does no harm. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPromise } from "yauzl";
import { ZipFile } from "yazl";
import { verifyPack } from "@cofi/pack/verify";
import { packLab, type PackLab } from "./packed-case.js";

let lab: PackLab;
let whole: Buffer;
let names: string[];
beforeAll(async () => {
  lab = await packLab();
  const path = await lab.pack();
  whole = await readFile(path);
  names = [...(await filesOf(path)).keys()];
});
afterAll(() => lab.close());

async function filesOf(path: string): Promise<Map<string, Buffer>> {
  const zip = await openPromise(path, { lazyEntries: true });
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry())
    files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  return files;
}

async function faultsOf(content: Buffer): Promise<string[]> {
  const path = join(lab.folder, "altered.zip");
  await writeFile(path, content);
  return (await lab.verify(path)).faults;
}

/** The pack with other files, as somebody makes it who has no key. */
async function remade(change: (files: Map<string, Buffer>) => void): Promise<Buffer> {
  const path = join(lab.folder, "whole.zip");
  await writeFile(path, whole);
  const files = await filesOf(path);
  change(files);
  const zip = new ZipFile();
  for (const [name, content] of files) zip.addBuffer(content, name, { mode: 0o100600 });
  zip.end();
  return buffer(zip.outputStream as Readable);
}

test("a thousand changes of one byte each are found and named", { timeout: 120_000 }, async () => {
  let seed = 11;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const unseen: string[] = [];
  let named = 0;
  for (let n = 0; n < 1_000; n++) {
    const altered = Buffer.from(whole);
    const place = random(altered.length);
    altered[place]! ^= 1 << random(8);
    const faults = await faultsOf(altered);
    if (faults.length === 0) unseen.push(`byte ${place}`);
    if (names.some((name) => faults.join("\n").includes(name)) || faults.join("\n").includes("of the zip")) named += 1;
  }
  expect(unseen).toEqual([]);
  expect(named).toBeGreaterThan(900);
  expect(await faultsOf(whole)).toEqual([]);
});

test("every byte that belongs to no file's contents is proven too", async () => {
  // The directory and the end: all of it.
  const directory = whole.lastIndexOf(Buffer.from("PK\u0001\u0002", "latin1"));
  const unseen: number[] = [];
  for (let place = directory; place < whole.length; place += 3) {
    const altered = Buffer.from(whole);
    altered[place]! ^= 1;
    if ((await faultsOf(altered)).length === 0) unseen.push(place);
  }
  expect(unseen).toEqual([]);
  expect(await faultsOf(Buffer.concat([whole, Buffer.from("x")]))).not.toEqual([]);
  expect(await faultsOf(whole.subarray(0, -1))).not.toEqual([]);
});

test("a file that was changed, removed or added is named", async () => {
  const altered = await remade((files) => {
    files.set("rows/trade.json", Buffer.from("{}"));
    files.delete("verdicts.json");
    files.set("rows/more.json", Buffer.from("{}"));
  });
  expect((await faultsOf(altered)).toSorted()).toEqual([
    "rows/more.json was added.",
    "rows/trade.json was changed.",
    "verdicts.json is missing.",
  ]);
  const forged = await remade((files) => {
    const manifest = files.get("manifest.json")!.toString().replace('"T1"', '"T2"');
    files.set("manifest.json", Buffer.from(manifest));
  });
  expect(await faultsOf(forged)).toEqual([expect.stringMatching(/^manifest.json or manifest.sig was changed/)]);
  const bare = await remade((files) => {
    files.delete("manifest.json");
    files.delete("public-key.pem");
  });
  expect(await faultsOf(bare)).toContain("manifest.json is missing.");
  expect(await faultsOf(await remade(() => undefined))).toEqual([
    "The end of the zip was changed: its signature is not there.",
  ]);
});

/** A zip of entries with names of the same length, which are replaced by others. */
async function zipOf(entries: readonly [name: string, as: string, mode?: number][]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, , mode = 0o100600] of entries)
    zip.addBuffer(Buffer.from("content"), name, { mode, compress: false });
  zip.end();
  let text = (await buffer(zip.outputStream as Readable)).toString("latin1");
  for (const [name, as] of entries) text = text.replaceAll(name, as);
  return Buffer.from(text, "latin1");
}

test("names that lead elsewhere, names that come twice, links and bombs are refused", async () => {
  expect((await faultsOf(await zipOf([["aaaaaaa", "../../a"]]))).join()).toMatch(
    /cannot be read: invalid relative path/,
  );
  expect((await faultsOf(await zipOf([["aaaaaaa", "/etc/aa"]]))).join()).toMatch(/cannot be read: absolute path/);
  expect((await faultsOf(await zipOf([["aaaaaaa", "rows\\aa"]]))).join()).toMatch(/cannot be read: invalid characters/);
  expect((await faultsOf(await zipOf([["aaaaaaa", "aa\u001b[2Ja"]]))).join()).toMatch(/was added: no file of a pack/);
  expect(
    await faultsOf(
      await zipOf([
        ["first.x", "same.xx"],
        ["secon.x", "same.xx"],
      ]),
    ),
  ).toContain("same.xx is in the zip twice.");
  expect((await faultsOf(await zipOf([["link.xx", "link.xx", 0o120777]]))).join()).toMatch(
    /link.xx was changed: it is not said to be a file/,
  );
  const bomb = new ZipFile();
  bomb.addBuffer(Buffer.alloc(5_000_000), "manifest.json", { mode: 0o100600 });
  bomb.end();
  expect((await faultsOf(await buffer(bomb.outputStream as Readable))).join()).toMatch(/longer than 1000000 bytes/);
  const many = new ZipFile();
  for (let n = 0; n <= 2_000; n++) many.addBuffer(Buffer.alloc(0), `file-${n}`, { mode: 0o100600 });
  many.end();
  expect((await faultsOf(await buffer(many.outputStream as Readable))).join()).toMatch(/more than 2000 files/);
  expect(await faultsOf(Buffer.alloc(0))).not.toEqual([]);
  expect(await faultsOf(Buffer.from("no zip"))).not.toEqual([]);
  await expect(verifyPack(join(lab.folder, "nowhere.zip"), new Map())).rejects.toThrow(/ENOENT/);
});
