import { distance } from "fastest-levenshtein";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { join } from "node:path";
import { DiskFileStore } from "@cofi/engines/file-store";
import { createEngine } from "@cofi/engines/stt";
import { encodeWav } from "@cofi/engines/wav";
import {
  post,
  runningEngine,
  sample,
  samplePath,
  temporaryFolder,
  truthOf,
  until,
  upload,
  type Problem,
} from "./support.js";

interface Transcript {
  language: string;
  duration_s: number;
  text: string;
  confidence: number;
  segments: { id: number; start_s: number; end_s: number; text: string; confidence: number }[];
  model: string;
  engine: { name: string; version: string; model: string };
}

/** Word error rate: the edit distance over words, each word written as one character, against the number of words. */
function wordErrorRate(reference: string, text: string): number {
  const numbers = new Map<string, string>();
  const coded = (words: string): string =>
    words
      .split(" ")
      .map((word) => {
        const known = numbers.get(word) ?? String.fromCharCode(0x4e00 + numbers.size);
        numbers.set(word, known);
        return known;
      })
      .join("");
  return distance(coded(reference), coded(text)) / reference.split(" ").length;
}

describe("stt", { timeout: 180_000 }, () => {
  let engine: Awaited<ReturnType<typeof runningEngine>>;
  beforeAll(async () => {
    engine = await runningEngine("stt");
    for (const name of ["c04.wav", "c06.wav", "c10.wav"]) {
      await upload(engine.url, 1, name, await sample(`batch/${name}`));
    }
    await upload(engine.url, 1, "babble.wav", await sample("noisy/c04_office10.wav"));
  });
  afterAll(() => engine.close());

  const transcribe = <Body = Transcript>(fileName: string, more: object) =>
    post<Body>(engine.url, "/v1/stt", {
      batch_id: 1,
      file_name: fileName,
      variant: "original",
      language: "en",
      ...more,
    });

  /** A call heard while nothing else was processed; asked once. */
  const alone = new Map<string, ReturnType<typeof transcribe<Transcript>>>();
  async function heardAlone(id: string) {
    const { trim, duration } = await truthOf(id);
    const answer = alone.get(id) ?? transcribe(`${id}.wav`, { trim: { start_s: trim, end_s: duration } });
    alone.set(id, answer);
    return answer;
  }

  it.each([
    ["c04", 0.25],
    ["c06", 0.2],
  ])("transcribes %s with few errors, on the time base of the recording", async (id, allowed) => {
    const call = await truthOf(id);
    const { status, body } = await heardAlone(id);
    expect(status).toBe(200);
    expect(wordErrorRate(call.transcript, body.text)).toBeLessThan(allowed);
    expect(body.text).toMatch(/^[a-z' ]+$/);
    expect(body.text).toBe(body.segments.map(({ text }) => text).join(" "));
    expect(body.segments.map(({ id: segment }) => segment)).toEqual(body.segments.map((_, i) => i));
    expect(body.language).toBe("en");
    expect(body.engine.name).toBe("pocketsphinx");
    expect(body.duration_s).toBeCloseTo(call.duration, 0);
    expect(body.confidence).toBeGreaterThan(0.7);
    const speech = call.labels.filter(({ type }) => type === "speech");
    for (const { start_s, end_s, confidence } of body.segments) {
      expect(start_s).toBeGreaterThanOrEqual(call.trim);
      expect(end_s).toBeLessThanOrEqual(call.duration);
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
      expect(speech.some(({ start, end }) => start < end_s && end > start_s)).toBe(true);
    }
  });

  it("gives the same answer for the same recording, also when several are processed at once", async () => {
    const { trim, duration } = await truthOf("c04");
    const request = { trim: { start_s: trim, end_s: duration } };
    const first = await heardAlone("c04");
    const [other, second] = await Promise.all([
      transcribe("c06.wav", { trim: { start_s: 10, end_s: 16 } }),
      transcribe("c04.wav", request),
    ]);
    expect(other.status).toBe(200);
    expect(second.body.segments).toEqual(first.body.segments);
    expect(second.body.confidence).toBe(first.body.confidence);
  });

  it("is less sure of what it hears in office noise", async () => {
    const { trim, duration } = await truthOf("c04");
    const request = { trim: { start_s: trim, end_s: duration }, language: "und" };
    const [clean, noisy] = [await heardAlone("c04"), await transcribe("babble.wav", request)];
    expect(noisy.body.confidence).toBeLessThan(clean.body.confidence - 0.2);
  });

  it("hears nothing in silence and outside the trim", async () => {
    const silent = await transcribe("c10.wav", { trim: { start_s: 0, end_s: 10 } });
    expect(silent.body).toMatchObject({ text: "", segments: [], confidence: 0 });
    const empty = await transcribe("c04.wav", { trim: { start_s: 5, end_s: 5 } });
    expect(empty.body).toMatchObject({ text: "", segments: [] });
    const beyond = await transcribe("c04.wav", { trim: { start_s: 500, end_s: 600 } });
    expect(beyond.body).toMatchObject({ text: "", segments: [] });
  });

  it("copes with a recording shorter than a word", async () => {
    await upload(engine.url, 1, "click.wav", encodeWav(Float32Array.of(0, 0.5, -0.5), 8000));
    const { status, body } = await transcribe("click.wav", { trim: { start_s: 0, end_s: 1 } });
    expect(status).toBe(200);
    expect(body.segments).toEqual([]);
  });

  it("refuses languages that it has no model for", async () => {
    const { status, body } = await transcribe<Problem>("c04.wav", { trim: { start_s: 0, end_s: 9 }, language: "fr" });
    expect(status).toBe(422);
    expect(body).toMatchObject({ type: "unsupported-language", status: 422 });
    expect(body.detail).toContain('"fr"');
  });

  it.each([
    ["language", { trim: { start_s: 0, end_s: 1 }, language: 7 }],
    ["trim", { language: "en" }],
    ["trim.start_s", { trim: { start_s: -1, end_s: 1 } }],
    ["variant", { trim: { start_s: 0, end_s: 1 }, variant: "loud" }],
  ])("names the field that is wrong: %s", async (field, payload) => {
    const { status, body } = await transcribe<Problem>("c04.wav", payload);
    expect(status).toBe(400);
    expect(body.detail).toContain(field);
  });

  it("says that the denoised recording is not there", async () => {
    const request = { trim: { start_s: 0, end_s: 9 }, variant: "denoised" };
    const { status, body } = await transcribe<Problem>("c04.wav", request);
    expect(status).toBe(404);
    expect(body.type).toBe("variant-missing");
  });
});

describe("stt, by itself", () => {
  it("stops the recogniser when nobody waits for the answer, and removes the files it made", async () => {
    const folder = await temporaryFolder();
    const usual = process.env["TMPDIR"];
    process.env["TMPDIR"] = folder.path;
    try {
      const engine = createEngine();
      await engine.load();
      const [own = ""] = await readdir(folder.path);
      expect(own).toMatch(/^cofi-speech-/);

      const files = await DiskFileStore.open(join(folder.path, "files"));
      await files.put(1, "c06.wav", createReadStream(samplePath("batch/c06.wav")), 1e9);
      const trim = { start_s: 0, end_s: 34 };
      const request = { batch_id: 1, file_name: "c06.wav", variant: "original", language: "en", trim };
      const client = new AbortController();
      const answer = expect(engine.process(request, files, client.signal)).rejects.toThrow("the client has gone");
      await until(async () =>
        (await readdir(join(folder.path, own), { recursive: true })).some((name) => /phones-\d+\.log$/.test(name)),
      );
      client.abort(new Error("the client has gone"));
      // Each recogniser has ended when the answer is there: were they left alone, it would be a transcript.
      await answer;
      expect(await readdir(join(folder.path, own))).toEqual(["domain.arpa", "domain.dict"]);

      await engine.close();
      await engine.close();
      expect(await readdir(folder.path)).toEqual(["files"]);
    } finally {
      if (usual === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = usual;
      await folder.remove();
    }
  });
});
