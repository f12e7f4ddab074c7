import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { encodeWav } from "@cofi/engines/wav";
import { findTones } from "@cofi/engines/tones";
import { overlapS, type CallSegment } from "@cofi/engines/call-segment";
import {
  post,
  runningEngine,
  sample,
  sampleAudio,
  samplePath,
  temporaryFolder,
  truthOf,
  upload,
  type Label,
  type Problem,
} from "./support.js";

const run = promisify(execFile);

interface IvrAnswer {
  duration_s: number;
  segments: CallSegment[];
  dtmf: string;
  trim: { start_s: number; end_s: number };
  speech_s: number;
  speech: { start_s: number; end_s: number }[];
}

const CALLS = [
  ["c01", "batch/c01.wav", "24711#"],
  ["c02", "batch/c02.mp3", ""],
  ["c03", "batch/c03.wav", "24711#"],
  ["c04", "batch/c04.wav", ""],
  ["c05", "batch/c05.opus", "24711#"],
  ["c05", "noisy/c05_white5.wav", "24711#"],
  ["c06", "noisy/c06_car5.wav", ""],
] as const;

describe("ivr", () => {
  let engine: Awaited<ReturnType<typeof runningEngine>>;
  beforeAll(async () => {
    engine = await runningEngine("ivr");
  });
  afterAll(() => engine.close());

  async function analyse(content: Uint8Array, name = "call") {
    await upload(engine.url, 1, name, content);
    return post<IvrAnswer>(engine.url, "/v1/ivr", { batch_id: 1, file_name: name });
  }

  it.each(CALLS)("tells machine sounds and conversation apart in %s (%s)", async (id, file, keys) => {
    const truth = await truthOf(id);
    const { status, body } = await analyse(await sample(file), file.replaceAll("/", " "));
    expect(status).toBe(200);
    expect(body.dtmf).toBe(keys);

    const late = body.trim.start_s - truth.trim;
    expect(late).toBeGreaterThan(-0.85);
    expect(late).toBeLessThan(0.1);
    const lastWord = truth.labels.findLast(({ type }) => type === "speech")?.end ?? 0;
    expect(Math.abs(body.trim.end_s - lastWord)).toBeLessThan(1);
    expect(Math.abs(body.duration_s - truth.duration)).toBeLessThan(0.05);

    for (const span of body.speech) {
      expect(span.start_s).toBeGreaterThanOrEqual(body.trim.start_s);
      expect(span.end_s).toBeLessThanOrEqual(body.trim.end_s);
    }
    const sum = body.speech.reduce((total, { start_s, end_s }) => total + end_s - start_s, 0);
    expect(body.speech_s).toBeCloseTo(sum, 1);
    const spoken = truth.labels
      .filter(({ type }) => type === "speech")
      .reduce((s, { start, end }) => s + end - start, 0);
    expect(body.speech_s / spoken).toBeGreaterThan(0.75);
    expect(body.speech_s / spoken).toBeLessThan(1.25);

    const machines = truth.labels.filter(({ type }) => type !== "speech" && type !== "silence");
    if (file.startsWith("batch/")) {
      for (const label of machines) {
        expect(
          body.segments.some((segment) => isFound(label, segment)),
          JSON.stringify(label),
        ).toBe(true);
      }
    }
    for (const segment of body.segments) {
      const real = machines.some(
        ({ type, start, end }) => type === segment.type && overlapS(segment, { start_s: start, end_s: end }) > 0,
      );
      expect(real, JSON.stringify(segment)).toBe(true);
      expect(segment.confidence).toBeGreaterThan(0);
      expect(segment.confidence).toBeLessThanOrEqual(1);
    }
  });

  it("finds no speech in silence and in a recording shorter than any window", async () => {
    const silence = await analyse(await sample("batch/c10.wav"));
    expect(silence.body).toMatchObject({ speech_s: 0, speech: [], segments: [], dtmf: "" });
    expect(silence.body.trim).toEqual({ start_s: 0, end_s: silence.body.duration_s });
    const blink = await analyse(encodeWav(new Float32Array(10), 8000));
    expect(blink).toMatchObject({ status: 200, body: { speech_s: 0, segments: [] } });
  });

  it("changes its answer when the recording changes", async () => {
    // From the last words of the menu on: four keys and the pound sign, a prompt, two rings, the first words.
    const call = (await sampleAudio("batch/c01.wav")).slice(8000 * 33, 8000 * 46);
    const original = await analyse(encodeWav(call, 8000));
    const later = new Float32Array(call.length + 8000 * 3);
    later.set(call, 8000 * 3);
    const shifted = await analyse(encodeWav(later, 8000));
    expect(shifted.body.trim.start_s - original.body.trim.start_s).toBeCloseTo(3, 1);
    expect([original.body.dtmf, shifted.body.dtmf]).toEqual(["4711#", "4711#"]);
    const withoutMenu = await analyse(encodeWav(call.slice(8000 * 6), 8000));
    expect(withoutMenu.body).toMatchObject({ dtmf: "", segments: [], trim: { start_s: 0 } });
  });

  it("refuses a text file, and stays responsive while it works", async () => {
    await upload(engine.url, 2, "text.wav", await sample("batch/c11.wav"));
    const refused = await post<Problem>(engine.url, "/v1/ivr", { batch_id: 2, file_name: "text.wav" });
    expect(refused.body).toMatchObject({ status: 422, type: "unreadable-audio" });

    await upload(engine.url, 2, "long.wav", await sample("batch/c06.wav"));
    const working = post(engine.url, "/v1/ivr", { batch_id: 2, file_name: "long.wav" });
    const finished = working.then(() => "finished" as const);
    let answers = 0;
    for (;;) {
      const first = await Promise.race([finished, fetch(`${engine.url}/health`)]);
      if (first === "finished") break;
      expect(first.status).toBe(200);
      answers++;
    }
    // A server that stood still while it works would answer once, after the work.
    expect(answers).toBeGreaterThan(5);
  });
});

describe("prompts of the broker's own", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("are known from a folder, through a telephone codec", async () => {
    const folder = await temporaryFolder();
    const prompts = join(folder.path, "prompts");
    await mkdir(prompts);
    const italian = samplePath("languages/it_IT_f_Menardi_demo-congrats.wav");
    await run("ffmpeg", ["-nostdin", "-v", "error", "-t", "6", "-i", italian, join(prompts, "our welcome.mp3")]);
    const played = await sampleAudio("languages/it_IT_f_Menardi_demo-congrats.wav");
    const call = new Float32Array(8000 * 12);
    call.set(played.subarray(0, 8000 * 6), 8000 * 2);

    vi.stubEnv("COFI_PROMPTS_DIR", prompts);
    const engine = await runningEngine("ivr");
    await upload(engine.url, 1, "call", encodeWav(call, 8000));
    const { body } = await post<IvrAnswer>(engine.url, "/v1/ivr", { batch_id: 1, file_name: "call" });
    await engine.close();
    await folder.remove();
    expect(body.segments).toHaveLength(1);
    expect(body.segments[0]).toMatchObject({ type: "prompt", label: "our welcome" });
    expect(body.segments[0]?.start_s).toBeCloseTo(2, 0);
    expect(body.trim.start_s).toBeGreaterThan(7.5);
  });
});

describe("tones", () => {
  it("finds all sixteen keys at their places", () => {
    const keys = "123A456B789C*0#D";
    const samples = new Float32Array(8000 * 4);
    for (const [i, key] of [...keys].entries()) addTone(samples, dtmf(key), 0.2 + i * 0.2, 0.08, 0.1);
    const found = findTones(samples);
    expect(found.map(({ label }) => label).join("")).toBe(keys);
    for (const [i, segment] of found.entries()) expect(segment.start_s).toBeCloseTo(0.2 + i * 0.2, 1);
  });

  it("ignores keys that are too short or too quiet, and speech", async () => {
    const samples = new Float32Array(16_000);
    addTone(samples, dtmf("5"), 0.5, 0.02, 0.1);
    addTone(samples, dtmf("5"), 1, 0.1, 0.001);
    expect(findTones(samples)).toEqual([]);
    for (const file of ["batch/c04.wav", "languages/ru_RU_f_IvrvoiceRU_demo-congrats.wav"]) {
      expect(findTones(await sampleAudio(file)).filter(({ type }) => type === "dtmf")).toEqual([]);
    }
  });

  it("tells a busy tone from ringing", () => {
    const busy = new Float32Array(8000 * 6);
    for (let i = 0; i < 5; i++) addTone(busy, [480, 620], 0.5 + i, 0.5, 0.1);
    expect(findTones(busy).map(({ type, label }) => `${type} ${label}`)).toEqual(Array(5).fill("busy 480+620 Hz"));
    const ring = new Float32Array(8000 * 14);
    for (let i = 0; i < 2; i++) addTone(ring, [440, 480], 0.5 + i * 6, 2, 0.1);
    expect(findTones(ring).map(({ type, label }) => `${type} ${label}`)).toEqual(Array(2).fill("ring 440+480 Hz"));
  });
});

function isFound(label: Label, segment: CallSegment): boolean {
  if (segment.type !== label.type) return false;
  if (label.type === "dtmf" && segment.label !== label.digit) return false;
  if (label.type === "prompt" && segment.label !== label.file) return false;
  return overlapS(segment, { start_s: label.start, end_s: label.end }) > (label.end - label.start) / 2;
}

function dtmf(key: string): number[] {
  const at = "123A456B789C*0#D".indexOf(key);
  return [[697, 770, 852, 941][Math.floor(at / 4)] ?? 0, [1209, 1336, 1477, 1633][at % 4] ?? 0];
}

function addTone(
  samples: Float32Array,
  frequencies: number[],
  fromS: number,
  durationS: number,
  amplitude: number,
): void {
  const start = Math.round(fromS * 8000);
  for (let i = 0; i < durationS * 8000; i++) {
    for (const frequency of frequencies) {
      samples[start + i] = (samples[start + i] ?? 0) + amplitude * Math.sin((2 * Math.PI * frequency * i) / 8000);
    }
  }
}
