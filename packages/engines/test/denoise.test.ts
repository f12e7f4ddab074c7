import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { denoise } from "@cofi/engines/rnnoise";
import { decodeAudio } from "@cofi/engines/audio";
import { encodeWav } from "@cofi/engines/wav";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { post, runningEngine, sample, sampleAudio, truthOf, upload, type CallTruth, type Problem } from "./support.js";

interface DenoiseAnswer {
  duration_s: number;
  sample_rate: number;
  channels: number;
  codec: string;
  variant: string;
  level_dbfs: number | null;
  noise_before_dbfs: number | null;
  noise_after_dbfs: number | null;
  speech_probability: number;
}

/** Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., "SDR – Half-baked or Well Done?", ICASSP 2019), over speech. */
function siSdr(reference: Float32Array, estimate: Float32Array, { labels }: CallTruth): number {
  let [rr, re, ee] = [0, 0, 0];
  for (const { type, start, end } of labels) {
    if (type !== "speech") continue;
    for (let i = Math.floor(start * 8000); i < end * 8000; i++) {
      const [r, e] = [reference[i] ?? 0, estimate[i] ?? 0];
      rr += r * r;
      re += r * e;
      ee += e * e;
    }
  }
  const target = re ** 2 / rr;
  return 10 * Math.log10(target / (ee - target));
}

describe("denoise", () => {
  let engine: Awaited<ReturnType<typeof runningEngine>>;
  beforeAll(async () => {
    engine = await runningEngine("denoise");
  });
  afterAll(() => engine.close());

  it.each([
    ["c02_white10", "batch/c02.mp3", 3.5],
    ["c06_car5", "batch/c06.wav", 2.5],
    ["c04_office10", "batch/c04.wav", 1],
  ])("brings %s nearer to the clean recording", async (noisy, clean, gainDb) => {
    const truth = await truthOf(noisy.slice(0, 3));
    const reference = await sampleAudio(clean);
    const original = await sampleAudio(`noisy/${noisy}.wav`);
    const { samples } = await denoise(original);
    expect(samples.length).toBe(original.length);
    expect(siSdr(reference, samples, truth) - siSdr(reference, original, truth)).toBeGreaterThan(gainDb);
  });

  it("answers with measured levels and keeps the result on the time base of the original", async () => {
    await upload(engine.url, 1, "noisy.wav", await sample("noisy/c06_car5.wav"));
    const { status, body } = await post<DenoiseAnswer>(engine.url, "/v1/denoise", {
      batch_id: 1,
      file_name: "noisy.wav",
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ sample_rate: 8000, channels: 1, codec: "pcm_s16le", variant: "denoised" });
    expect(body.duration_s).toBeCloseTo(34.8, 1);
    expect(body.level_dbfs).toBeLessThan(-15);
    expect(body.level_dbfs).toBeGreaterThan(-35);
    expect(body.noise_after_dbfs).toBeLessThan((body.noise_before_dbfs ?? 0) - 8);
    expect(body.speech_probability).toBeGreaterThan(0.3);

    const denoised = await fetch(`${engine.url}/files/1/noisy.wav?variant=denoised`);
    expect(denoised.headers.get("content-type")).toBe("audio/wav");
    const file = join(engine.filesDir, "back.wav");
    await writeFile(file, Buffer.from(await denoised.arrayBuffer()));
    const audio = await decodeAudio(file);
    const original = await sampleAudio("noisy/c06_car5.wav");
    expect(audio.samples.length).toBe(original.length);
    expect(lagOf(original, audio.samples)).toBe(0);
    expect((await fetch(`${engine.url}/files/1/noisy.wav`)).headers.get("content-length")).toBe("556878");
  });

  it("changes its answer with the recording, and repeats it for the same", async () => {
    await upload(engine.url, 2, "a.wav", await sample("noisy/c04_office10.wav"));
    await upload(engine.url, 2, "b.wav", await sample("batch/c04.wav"));
    const ask = async (file_name: string) => {
      const { body } = await post<DenoiseAnswer & { elapsed_ms: number }>(engine.url, "/v1/denoise", {
        batch_id: 2,
        file_name,
      });
      return { ...body, elapsed_ms: 0 };
    };
    const [noisy, clean, again] = [await ask("a.wav"), await ask("b.wav"), await ask("a.wav")];
    expect(again).toEqual(noisy);
    expect(clean.noise_before_dbfs).toBeLessThan((noisy.noise_before_dbfs ?? 0) - 10);
  });

  it("reads compressed recordings, and drops the derived one when another recording takes the name", async () => {
    await upload(engine.url, 3, "call", await sample("batch/c05.opus"));
    const first = await post<DenoiseAnswer>(engine.url, "/v1/denoise", { batch_id: 3, file_name: "call" });
    expect(first.body).toMatchObject({ codec: "opus", sample_rate: 48000 });
    const derived = () => fetch(`${engine.url}/files/3/call?variant=denoised`);
    expect((await derived()).status).toBe(200);
    await upload(engine.url, 3, "call", await sample("batch/c05.opus"));
    expect((await derived()).status).toBe(200);
    await upload(engine.url, 3, "call", await sample("batch/c04.wav"));
    expect((await derived()).status).toBe(404);
  });

  it("gives null levels for digital silence", async () => {
    await upload(engine.url, 4, "silence.wav", encodeWav(new Float32Array(16_000), 8000));
    const { body } = await post<DenoiseAnswer>(engine.url, "/v1/denoise", { batch_id: 4, file_name: "silence.wav" });
    expect(body).toMatchObject({ duration_s: 2, level_dbfs: null, noise_before_dbfs: null, noise_after_dbfs: null });
  });

  it("refuses unreadable audio and requests that violate the contract", async () => {
    await upload(engine.url, 5, "text.wav", await sample("batch/c11.wav"));
    const ask = async (payload: unknown) => (await post<Problem>(engine.url, "/v1/denoise", payload)).body;
    expect(await ask({ batch_id: 5, file_name: "text.wav" })).toMatchObject({ status: 422, type: "unreadable-audio" });
    expect(await ask({ batch_id: 5, file_name: "gone.wav" })).toMatchObject({ status: 404, type: "file-missing" });
    expect(await ask({ batch_id: 5, file_name: "../text.wav" })).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/file_name/),
    });
    expect(await ask({ batch_id: "5", file_name: "text.wav" })).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/batch_id/),
    });
    for (const payload of [null, [], "text", {}]) expect(await ask(payload)).toMatchObject({ status: 400 });
  });
});

/** The shift in samples at which the two agree best, within 20 ms. */
function lagOf(reference: Float32Array, other: Float32Array): number {
  let best = { lag: 0, sum: Number.NEGATIVE_INFINITY };
  for (let lag = -160; lag <= 160; lag++) {
    let sum = 0;
    for (let i = 50_000; i < 100_000; i++) sum += (reference[i] ?? 0) * (other[i + lag] ?? 0);
    if (sum > best.sum) best = { lag, sum };
  }
  return best.lag;
}
