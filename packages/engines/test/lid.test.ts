import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeWav } from "@cofi/engines/wav";
import { post, runningEngine, sample, upload, type Problem } from "./support.js";

interface Identification {
  language: string;
  confidence: number;
  margin: number;
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
    ["noisy/c04_office10.wav", "en", { start_s: 9, end_s: 19 }],
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
    const total = Object.values(body.scores).reduce((sum, score) => sum + score, 0);
    expect(total).toBeLessThanOrEqual(1.005);
  });

  it("does not guess at an Italian voice that it has not learnt", async () => {
    const recording = await sample("languages/it_IT_f_Menardi_demo-congrats.wav");
    const { body } = await identify("menardi.wav", recording, { start_s: 0, end_s: 9 });
    expect(["und", "it"]).toContain(body.language);
  });

  it("answers und where nobody speaks", async () => {
    const silent = await identify("silent.wav", await sample("batch/c10.wav"), { start_s: 0, end_s: 10 });
    expect(silent.body).toMatchObject({ language: "und", confidence: 0, margin: 0, speech_s: 0 });
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
