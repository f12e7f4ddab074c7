import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DiskFileStore } from "@cofi/engines/file-store";
import { runningEngine, temporaryFolder, upload, until, type Problem } from "./support.js";

const ODD_NAMES = [
  "plain.wav",
  "with space.wav",
  `quote " and ' .wav`,
  "line\nbreak.wav",
  "-dash; rm -rf $HOME `id`.wav",
  "%41 percent?query#hash.wav",
  "emoji 😀.wav",
  "...",
  "é".repeat(127) + "x",
  "😀".repeat(63) + "abc",
];

describe("file routes", () => {
  let engine: Awaited<ReturnType<typeof runningEngine>>;
  beforeAll(async () => {
    engine = await runningEngine("file_distribution", { maxFileBytes: 100_000 });
  });
  afterAll(() => engine.close());
  const urlOf = (batch: number | string, name: string) => `${engine.url}/files/${batch}/${encodeURIComponent(name)}`;

  it("says what it is", async () => {
    const response = await fetch(`${engine.url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: "ok",
      stage: "file_distribution",
      engine: { name: expect.any(String), version: expect.any(String), model: expect.any(String) },
    });
  });

  it.each(ODD_NAMES)("keeps a recording called %j", async (name) => {
    const content = Buffer.from(`content of ${name}`);
    expect(await upload(engine.url, 1, name, content)).toEqual({
      status: 201,
      body: { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") },
    });
    const back = await fetch(urlOf(1, name));
    expect(back.status).toBe(200);
    expect(Buffer.from(await back.arrayBuffer())).toEqual(content);
  });

  it("keeps names and batches apart, replaces a file that comes again, and forgets a batch", async () => {
    await upload(engine.url, 2, "a.wav", "first");
    await upload(engine.url, 2, "A.wav", "other name");
    await upload(engine.url, 3, "a.wav", "other batch");
    await upload(engine.url, 2, "a.wav", "second");
    expect(await (await fetch(urlOf(2, "a.wav"))).text()).toBe("second");
    expect(await (await fetch(urlOf(2, "A.wav"))).text()).toBe("other name");

    expect((await fetch(`${engine.url}/files/2`, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${engine.url}/files/2`, { method: "DELETE" })).status).toBe(204);
    const gone = await fetch(urlOf(2, "a.wav"));
    expect(gone.status).toBe(404);
    expect(((await gone.json()) as Problem).type).toBe("file-missing");
    expect(await (await fetch(urlOf(3, "a.wav"))).text()).toBe("other batch");
  });

  it("removes all of a batch but some, with what was derived from the others, and nothing when it is not said which stay", async () => {
    for (const name of ["a.wav", "b b.wav", "c.wav"]) await upload(engine.url, 7, name, name);
    await upload(engine.url, 8, "b b.wav", "other batch");
    const derived = await fetch(`${urlOf(7, "b b.wav")}?variant=denoised`, { method: "PUT", body: "denoised" });
    expect(derived.status).toBe(201);
    const keepOnly = (body: string, batchId = "7") =>
      fetch(`${engine.url}/files/${batchId}/keep-only`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    for (const wrong of ["{}", '{"file_names":[]}', '{"file_names":["../a.wav"]}', '{"file_names":"c.wav"}', "{", ""])
      expect([wrong, (await keepOnly(wrong)).status]).toEqual([wrong, 400]);
    expect((await keepOnly('{"file_names":["a.wav"]}', "x")).status).toBe(400);
    expect(await (await fetch(urlOf(7, "c.wav"))).text()).toBe("c.wav");
    for (let twice = 0; twice < 2; twice++)
      expect((await keepOnly('{"file_names":["b b.wav","never there.wav"]}')).status).toBe(204);
    expect(await (await fetch(`${urlOf(7, "b b.wav")}?variant=denoised`)).text()).toBe("denoised");
    expect(await (await fetch(urlOf(8, "b b.wav"))).text()).toBe("other batch");
    for (const gone of ["a.wav", "c.wav"]) expect((await fetch(urlOf(7, gone))).status).toBe(404);
    expect((await keepOnly('{"file_names":["b b.wav"]}', "99")).status).toBe(204);
  });

  it("removes with a batch what uploads and engines that were killed left", async () => {
    await upload(engine.url, 5, "a.wav", "words");
    const incoming = join(engine.filesDir, "incoming");
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ["broken off", "under way"]) await writeFile(join(incoming, name), "words");
    await utimes(join(incoming, "broken off"), hoursAgo, hoursAgo);
    const killed = spawn(process.execPath, ["--eval", ""]);
    await once(killed, "exit");
    const work = await mkdtemp(join(tmpdir(), `cofi-speech-${killed.pid}-`));
    await writeFile(join(work, "0.wav"), "words");
    expect((await fetch(`${engine.url}/files/5`, { method: "DELETE" })).status).toBe(204);
    expect(await readdir(engine.filesDir)).not.toContain("5");
    expect(await readdir(incoming)).toEqual(["under way"]);
    expect(await readdir(tmpdir())).not.toContain(basename(work));
    await rm(join(incoming, "under way"));
  });

  it("takes JSON and other content types as raw bytes", async () => {
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x", "audio/wav"]) {
      const stored = await fetch(urlOf(4, "raw"), {
        method: "PUT",
        body: "{not json",
        headers: { "content-type": type },
      });
      expect(stored.status).toBe(201);
      expect(await (await fetch(urlOf(4, "raw"))).text()).toBe("{not json");
    }
  });

  it.each([
    ["5", "a/b"],
    ["5", "a\\b"],
    ["5", "nul\0"],
    ["5", "x".repeat(256)],
    ["5", "x".repeat(5000)],
    ["five", "a.wav"],
    ["-1", "a.wav"],
    ["1.5", "a.wav"],
    ["99999999999999999999", "a.wav"],
  ])("refuses batch %j with file %j, naming the field", async (batch, name) => {
    const response = await fetch(urlOf(batch, name), { method: "PUT", body: "x" });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({ type: "bad-request", status: 400, title: expect.any(String) });
    expect(problem.detail).toMatch(batch === "5" ? /file_name/ : /batch_id/);
  });

  it("refuses names that a client's URL parser would resolve, and broken escapes", async () => {
    for (const path of ["/files/5/..", "/files/5/%2e%2e", "/files/5/%zz", "/files/5/%ff"]) {
      const answer = await rawRequest(engine.url, "PUT", path, "x");
      expect(answer.status, path).toBe(400);
      expect(JSON.parse(answer.body).type, path).toBe("bad-request");
    }
  });

  it("answers problem documents for unknown routes, variants and files", async () => {
    await upload(engine.url, 6, "a.wav", "x");
    const cases = [
      ["/nothing", 404, "not-found"],
      ["/files/6/b.wav", 404, "file-missing"],
      ["/files/6/b.wav?variant=denoised", 404, "file-missing"],
      ["/files/6/a.wav?variant=denoised", 404, "variant-missing"],
      ["/files/6/a.wav?variant=louder", 400, "bad-request"],
    ] as const;
    for (const [path, status, type] of cases) {
      const response = await fetch(engine.url + path);
      expect(response.headers.get("content-type"), path).toMatch(/^application\/problem\+json/);
      expect(await response.json(), path).toMatchObject({ status, type });
    }
  });

  it("refuses what is too large, declared or not, and keeps the earlier file", async () => {
    await upload(engine.url, 7, "a.wav", "small");
    const large = Buffer.alloc(150_000);
    expect((await upload(engine.url, 7, "a.wav", large)).body).toMatchObject({ status: 413, type: "file-too-large" });
    const chunked = await fetch(urlOf(7, "a.wav"), {
      method: "PUT",
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await (await fetch(urlOf(7, "a.wav"))).text()).toBe("small");
    expect((await upload(engine.url, 7, "fits", Buffer.alloc(100_000))).status).toBe(201);
  });

  it("leaves nothing of an upload that breaks off", async () => {
    const broken = request(urlOf(8, "broken.wav"), { method: "PUT", headers: { "content-length": 50_000 } });
    broken.on("error", () => undefined);
    broken.write(Buffer.alloc(20_000));
    const incoming = join(engine.filesDir, "incoming");
    await until(async () => (await readdir(incoming)).length === 1);
    broken.destroy();
    await until(async () => (await readdir(incoming)).length === 0);
    expect((await fetch(urlOf(8, "broken.wav"))).status).toBe(404);
    expect((await fetch(`${engine.url}/health`)).status).toBe(200);
  });

  it("stores many files at once, and one of two simultaneous uploads of the same name, whole", async () => {
    const contents = Array.from({ length: 40 }, (_, i) => String(i).repeat(2000));
    const answers = await Promise.all(contents.map((content) => upload(engine.url, 9, "same.wav", content)));
    expect(answers.map(({ status }) => status)).toEqual(contents.map(() => 201));
    expect(contents).toContain(await (await fetch(urlOf(9, "same.wav"))).text());
  });

  it("answers each download with one whole upload while the file is replaced", async () => {
    const contents = Array.from({ length: 40 }, (_, i) => "x".repeat(1 + 2000 * i));
    await upload(engine.url, 10, "same.wav", "x");
    const uploads = Promise.all(contents.map((content) => upload(engine.url, 10, "same.wav", content)));
    const downloads = contents.map(async () => (await fetch(urlOf(10, "same.wav"))).text());
    for (const text of await Promise.all(downloads)) expect(contents).toContain(text);
    await uploads;
  });
});

describe("the file store", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder.remove());

  it("lets a reader finish whole while the recording is replaced and deleted", async () => {
    const store = await DiskFileStore.open(folder.path);
    await store.put(1, "a.wav", chunks("first"), 100);
    const reading = await store.openRecording(1, "a.wav", "original");
    await store.put(1, "a.wav", chunks("the second one"), 100);
    await store.removeBatch(1);
    expect((await reading.stat()).size).toBe(5);
    expect(await reading.readFile("utf8")).toBe("first");
    await reading.close();
    await expect(store.openRecording(1, "a.wav", "original")).rejects.toMatchObject({ type: "file-missing" });
  });

  it("keeps what a new run puts there while a batch is removed, and removes what a killed engine left of that", async () => {
    const store = await DiskFileStore.open(folder.path);
    const left = join(folder.path, "incoming", "removed-20-left");
    await mkdir(left);
    await writeFile(join(left, "original"), "old");
    for (let n = 0; n < 300; n++) await store.put(20, `${n}.wav`, chunks("old"), 100);
    const removal = store.removeBatch(20);
    // As soon as the first of the old ones is gone.
    await until(async () => (await store.original(20, "0.wav").catch(() => null)) === null);
    await store.put(20, "new.wav", chunks("new"), 100);
    await removal;
    expect(await readdir(join(folder.path, "20"))).toHaveLength(1);
    expect(await readdir(join(folder.path, "incoming"))).toEqual([]);
  });

  it("says that the disk is full, and leaves nothing of the recording", async () => {
    const store = await DiskFileStore.open(folder.path);
    async function* interrupted() {
      yield Buffer.from("begin");
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    await expect(store.put(2, "a.wav", interrupted(), 100)).rejects.toMatchObject({
      status: 500,
      type: "engine-failed",
      detail: expect.stringContaining(`No space is left for recordings in ${folder.path}`),
    });
    expect(await readdir(join(folder.path, "incoming"))).toEqual([]);
  });
});

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function rawRequest(
  url: string,
  method: string,
  path: string,
  body: string,
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: text });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

it("names a folder for recordings that cannot be one", async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, "file");
  await writeFile(path, "");
  await expect(DiskFileStore.open(path)).rejects.toThrow(
    /folder for recordings .*file cannot be used: .* It has to be a folder that the user .* may write to\.$/,
  );
  await folder.remove();
});
