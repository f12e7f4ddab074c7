import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeWav } from "@cofi/engines/wav";
import { post, runningEngine, sample, sampleAudio, truthOf, upload, type Problem } from "./support.js";

interface Identification {
  language: string;
  confidence: number;
  margin: number;
  none: number;
  speech_s: number;
  scores: Record<string, number>;
  engine: { name: string };
}

describe("lid", { timeout: 180_000 }, () => {
  let engine: Awaited<ReturnType<typeof runningEngine>>;
  beforeAll(async () => {
    engine = await runningEngine("lid");
  });
  afterAll(() => engine.close());

  async function identify<Body = Identification>(fileName: string, content: Uint8Array, trim: object) {
    await upload(engine.url, 1, fileName, content);
    return post<Body>(engine.url, "/v1/lid", { batch_id: 1, file_name: fileName, variant: "original", trim });
  }

  it.each([
    ["batch/c06.wav", "en", { start_s: 10, end_s: 19 }],
    ["noisy/c06_car5.wav", "en", { start_s: 10, end_s: 20 }],
    // Words that are not those of orders.
    ["batch/c01.wav", "en", { start_s: 3, end_s: 17 }],
    // The voices of these two were learnt, not these recordings.
    ["batch/c13.wav", "fr", { start_s: 0, end_s: 10 }],
    // Long enough for two utterances.
    ["batch/c09.wav", "es", { start_s: 0, end_s: 20 }],
  ])("identifies %s as %s", async (name, language, trim) => {
    const { status, body } = await identify(name.replace("/", "-"), await sample(name), trim);
    expect(status).toBe(200);
    expect(body.language).toBe(language);
    expect(body.scores[language]).toBe(body.confidence);
    expect(body.margin).toBeGreaterThan(0.3);
    expect(body.speech_s).toBeGreaterThan(5);
    const total = Object.values(body.scores).reduce((sum, score) => sum + score, body.none);
    expect(total).toBeCloseTo(1, 2);
  });

  it("does not guess at an Italian voice that it has not learnt", async () => {
    const recording = await sample("languages/it_IT_f_Menardi_demo-congrats.wav");
    const { body } = await identify("menardi.wav", recording, { start_s: 0, end_s: 9 });
    expect(["und", "it"]).toContain(body.language);
  });

  it.each(["languages/hi_espeak.opus", "languages/de_espeak.opus"])(
    "takes %s for none of the languages that it knows",
    async (name) => {
      const { body } = await identify(name.replace("/", "-"), await sample(name), { start_s: 0, end_s: 25 });
      expect(body).toMatchObject({ language: "und", margin: 0 });
      expect(body.none).toBeGreaterThan(0.7);
    },
  );

  it("takes people who talk at once, far away, and hold music for no language", async () => {
    const names = ["batch/c09.wav", "batch/c12.wav", "batch/c13.wav", "languages/ru_RU_f_IvrvoiceRU_demo-congrats.wav"];
    const voices = await Promise.all(names.map(sampleAudio));
    const babble = Float32Array.from({ length: 8000 * 20 }, (_, i) =>
      voices.reduce(
        (sum, voice, n) => sum + 0.3 * ((voice[i + 800 * n] ?? 0) + (voice[i + 80_000 - 5000 * n] ?? 0)),
        0,
      ),
    );
    const crowd = await identify("babble.wav", encodeWav(babble, 8000), { start_s: 0, end_s: 20 });
    expect(crowd.body.speech_s).toBeGreaterThan(5);
    expect(crowd.body.language).toBe("und");
    const music = (await truthOf("c03")).labels.find(({ type }) => type === "music");
    const trim = { start_s: music?.start ?? 0, end_s: music?.end ?? 0 };
    const { body } = await identify("c03.wav", await sample("batch/c03.wav"), trim);
    expect(body).toMatchObject({ language: "und", margin: 0 });
  });

  it("answers und where nobody speaks", async () => {
    const silent = await identify("silent.wav", await sample("batch/c10.wav"), { start_s: 0, end_s: 10 });
    expect(silent.body).toMatchObject({ language: "und", confidence: 0, margin: 0, none: 1, speech_s: 0 });
    const noise = Float32Array.from({ length: 80_000 }, (_, i) => 0.3 * Math.sin(i * i * 0.37));
    const noisy = await identify("noise.wav", encodeWav(noise, 8000), { start_s: 0, end_s: 10 });
    expect(noisy.body.language).toBe("und");
    const outside = await identify("c06.wav", await sample("batch/c06.wav"), { start_s: 30, end_s: 30 });
    expect(outside.body.language).toBe("und");
  });

  it("says what is wrong with a request or a recording", async () => {
    const payload = { batch_id: 1, file_name: "c06.wav", variant: "original" };
    const incomplete = await post<Problem>(engine.url, "/v1/lid", payload);
    expect(incomplete.status).toBe(400);
    expect(incomplete.body.detail).toContain("trim");
    const text = await identify<Problem>("c11.wav", await sample("batch/c11.wav"), { start_s: 0, end_s: 1 });
    expect(text.status).toBe(422);
    expect(text.body.type).toBe("unreadable-audio");
  });
});
