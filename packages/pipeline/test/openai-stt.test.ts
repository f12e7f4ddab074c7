/** Transcripts of model servers: what audio they are sent, and what their answers are worth. Real audio, cut by ffmpeg. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Span } from "@cofi/pipeline/audio-pieces";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchWith, CALLS_HEADER } from "./batch-files.js";
import { batchInSqlite } from "./batch-in-sqlite.js";
import { serversIn, startModelServer, type Answer, type ModelServerMock } from "./model-server.js";
import { refusalOf } from "./openai-bench.js";
import { wavFile } from "./wav-file.js";

const MODEL = "Systran/faster-whisper-small";
const never = new AbortController().signal;
const WAV_HEADER = 44;
const BYTES_A_SECOND = 32_000;

let server: ModelServerMock;
let engines: OpenAiEngines;

beforeEach(async () => {
  server = await startModelServer("speaches");
  engines = new OpenAiEngines(serversIn(["STT"], { urls: [server.url], model: MODEL }), 5_000);
});
afterEach(async () => {
  await engines.close();
  await server.close();
});

interface Spoken {
  trim?: Span;
  speech?: Span[];
  language?: string | null;
  audio?: Buffer | string;
}

async function transcribe({ trim = span(0, 10), speech = [], language = "en", audio = wavFile(10) }: Spoken = {}) {
  const path = join(await batchWith({ "a.wav": audio }), "a.wav");
  const spoken = { fileName: "a.wav", path, durationS: 10, trim, language, speech: async () => speech };
  const asked = await engines.transcription(spoken, never);
  const { answer, response } = await engines.transcribe({ name: "gpu-1", url: server.url }, asked, spoken, never);
  return { asked, answer, response };
}

function span(start_s: number, end_s: number): Span {
  return { start_s, end_s };
}

const segment = (
  start: number,
  end: number,
  text: string,
  more: object = { avg_logprob: -0.2, no_speech_prob: 0.01 },
) => ({
  id: 0,
  start,
  end,
  text,
  ...more,
});

function hears(segments: object[] | null, more: object = {}): Answer {
  const text = (segments ?? []).map((one) => (one as { text: string }).text).join("");
  return { body: { task: "transcribe", language: "english", duration: "10.0", text, segments, ...more } };
}

describe("audio", () => {
  test("the conversation alone is sent, and times are given back in the recording's own", async () => {
    server.script.push(hears([segment(0.5, 1.5, " Good morning."), segment(1.5, 4, " Buy.")]));
    const { asked, answer } = await transcribe({ trim: span(2, 6) });
    expect(asked).toMatchObject({
      file: { name: "a.wav", bytes: WAV_HEADER + 4 * BYTES_A_SECOND, start_s: 2, end_s: 6 },
    });
    expect(answer.segments.map(({ id, start_s, end_s }) => [id, start_s, end_s])).toEqual([
      [0, 2.5, 3.5],
      [1, 3.5, 6],
    ]);
    expect(answer).toMatchObject({ text: "Good morning. Buy.", duration_s: 10, language: "en" });
  });

  test("what is too long for one request is cut in silences, and each piece is asked about", async () => {
    await engines.close();
    const env = { ...serversIn(["STT"], { urls: [server.url], model: MODEL }), COFI_STT_OPENAI_MAX_S: "4" };
    engines = new OpenAiEngines(env, 5_000);
    server.script.push(
      hears([segment(1, 2, " one")]),
      hears([segment(1, 2, " two")]),
      hears([segment(1, 2, " three")]),
    );
    const { asked, answer, response } = await transcribe({ speech: [span(0, 3), span(3.6, 7), span(7.4, 10)] });
    const files = (asked as { file: Span & { bytes: number } }[]).map(({ file }) => [file.start_s, file.end_s]);
    expect(files).toEqual([
      [0, 3.3],
      [3.3, 7.2],
      [7.2, 10],
    ]);
    expect(answer.segments.map(({ start_s, text }) => [Math.round(start_s * 10) / 10, text])).toEqual([
      [1, "one"],
      [4.3, "two"],
      [8.2, "three"],
    ]);
    expect(JSON.parse(response.text)).toMatchObject({ answer: { text: "one two three" }, body: [{}, {}, {}] });
    expect(server.heard).toHaveLength(3);
  });

  test("a recording that cannot be decoded is the file's fault, a missing ffmpeg the stage's; an empty trim does not keep it from being heard", async () => {
    const refused = await refusalOf(transcribe({ audio: "no audio at all" }));
    expect(refused).toMatchObject({ fault: "file", type: "unreadable-audio" });
    expect(refused.message).not.toContain("cofi-batch");
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      expect(await refusalOf(transcribe())).toMatchObject({ fault: "stage", type: "no-ffmpeg" });
    } finally {
      process.env["PATH"] = path;
    }
    server.script.push(hears([]));
    expect((await transcribe({ trim: span(3, 3) })).asked).toMatchObject({ file: span(0, 10) });
  });
});

describe("answers", () => {
  const unknown = { avg_logprob: 0, no_speech_prob: 0 };
  test.each([
    ["speaches: real log-probabilities", { avg_logprob: Math.log(0.8), no_speech_prob: 0.01 }, 0.8],
    ["vLLM: none", { avg_logprob: null, no_speech_prob: null }, null],
    ["vLLM: no fields", {}, null],
    ["others: zeros in their place", unknown, null],
  ] as [string, object, number | null][])("%s", async (_what, more, confidence) => {
    server.script.push(hears([segment(0, 1, " a", more), segment(1, 2, " b", more)]));
    const { answer } = await transcribe();
    const expected = confidence === null ? null : expect.closeTo(confidence, 6);
    expect(answer).toMatchObject({
      confidence: expected,
      segments: [{ confidence: expected }, { confidence: expected }],
    });
  });

  test("what Whisper takes for silence is left out; nothing else is", async () => {
    const said = (no_speech_prob: number, avg_logprob: number) => ({ no_speech_prob, avg_logprob });
    server.script.push(
      hears([
        segment(0, 1, " Thank you for watching.", said(0.9, -1.3)),
        segment(1, 2, " Quiet but sure.", said(0.9, -0.4)),
        segment(2, 3, " Unsure.", said(0.1, -1.5)),
        segment(3, 4, "  ", said(0.1, -0.1)),
      ]),
      hears([segment(0, 1, " Thank you.", said(0.9, -1.3))]),
    );
    expect((await transcribe()).answer.text).toBe("Quiet but sure. Unsure.");
    expect((await transcribe()).answer).toMatchObject({ text: "", segments: [], confidence: null });
  });

  test.each([
    ["behind its end", segment(12, 13, " x")],
    ["before its start", segment(-3, 1, " x")],
    ["backwards", segment(3, 2, " x")],
  ])("words %s are left out and counted; most of them, and the answer is refused", async (_what, outside) => {
    server.script.push(hears([segment(0, 1, " a"), outside]), hears([segment(0, 1, " a"), outside, outside]));
    const answer = { text: "a", segments: [{ id: 0 }], segments_left_out: 1 };
    expect(JSON.parse((await transcribe()).response.text)).toMatchObject({ answer });
    expect(await refusalOf(transcribe())).toMatchObject({ type: "segment-outside", fault: "answer" });
  });

  test("an end that Whisper rounded or padded is that of the audio", async () => {
    server.script.push(hears([segment(8, 30, " a")]));
    expect((await transcribe()).answer.segments).toMatchObject([{ start_s: 8, end_s: 10 }]);
  });

  test("words alone make segments; text alone is refused", async () => {
    const word = (start: number, end: number, text: string) => ({ start, end, word: text });
    const words = [word(0, 0.4, "Good"), word(0.5, 0.9, "morning."), word(1, 1.3, "Buy"), word(3, 3.4, "Infosys")];
    server.script.push(
      hears(null, { text: "Good morning. Buy Infosys", words }),
      hears([], { text: "Good", words: words.map((one) => ({ ...one, word: ` ${one.word}` })) }),
      hears(null, { text: "something" }),
    );
    const segments = [
      { start_s: 2, end_s: 2.9, text: "Good morning.", confidence: null },
      { start_s: 3, end_s: 3.3, text: "Buy" },
      { start_s: 5, end_s: 5.4, text: "Infosys" },
    ];
    expect((await transcribe({ trim: span(2, 8) })).answer).toMatchObject({
      text: "Good morning. Buy Infosys",
      segments,
    });
    expect((await transcribe({ trim: span(2, 8) })).answer).toMatchObject({ segments });
    expect(await refusalOf(transcribe())).toMatchObject({ type: "not-supported", fault: "file" });
  });

  test.each([
    ["english", "en"],
    ["Haitian Creole", "ht"],
    ["cantonese", "yue"],
    ["javanese", "jv"],
    ["hi", "hi"],
    ["pt-BR", "pt"],
    ["zh_CN", "zh"],
    ["Mandarin", "zh"],
    ["en-US-x-noise", "en"],
    ["no idea", "und"],
    ["???", "und"],
  ])("the language %s is %s", async (said, code) => {
    server.script.push(hears([segment(0, 1, " a")], { language: said }));
    expect((await transcribe()).answer.language).toBe(code);
  });

  test.each([
    ["jv", "jw"],
    ["hi", "hi"],
  ])("%s is asked for as %s, as Whisper knows it", async (language, asked) => {
    server.script.push(hears([]));
    expect((await transcribe({ language })).asked).toMatchObject({ language: asked });
  });

  test("limits of a server name the setting to lower; a format that it does not know fails the stage", async () => {
    server.script.push(
      { status: 413, body: { error: { message: "Maximum content size limit (26214400) exceeded" } } },
      {
        status: 400,
        body: {
          error: { message: "response_format 'verbose_json' is not compatible with model", param: "response_format" },
        },
      },
    );
    expect(await refusalOf(transcribe())).toMatchObject({
      fault: "file",
      message: expect.stringMatching(/exceeded\. Lower COFI_STT_OPENAI_MAX_MB or COFI_STT_OPENAI_MAX_S\.$/),
    });
    expect(await refusalOf(transcribe())).toMatchObject({ fault: "setting", type: "no-times" });
    server.script.push({ status: 400, body: { error: { message: `Unknown language "xx" for model ${MODEL}` } } });
    expect(await refusalOf(transcribe())).toMatchObject({ fault: "file", type: "unsupported-language" });
  });
});

test.each([
  [{}, "LOW_CONFIDENCE", /^Nobody knows how well call c1 was understood, because the recogniser gave no confidence/],
  [{ COFI_UNKNOWN_CONFIDENCE: "trust" }, "CONFIRMED", /although the recogniser gave no confidence for call c1/],
] as [NodeJS.ProcessEnv, string, RegExp][])(
  "a batch whose stt gives no confidence, with %j: %s",
  async (setting, kind, reason) => {
    const engine = await startScriptedEngine();
    const bench = await batchInSqlite({ ...serversIn(["STT"], { urls: [server.url], model: MODEL }), ...setting });
    try {
      const text = "please buy two hundred shares of infosys at fifteen hundred rupees";
      server.script.push(hears([segment(1, 4, text, { avg_logprob: null })]));
      const folder = await batchWith({
        "a.wav": wavFile(10),
        "calls.csv": `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00+05:30,10,IN,+919812345678,,2104,D07,C1,2\n`,
        "trades.csv":
          "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source\n" +
          "t1,2026-11-20T09:17:00+05:30,C1,+919812345678,D07,INFY,BUY,200,1500,DEALER\n",
      });
      const limits = { slotsPerHost: 1 };
      const { batchId } = await bench.run({
        folder,
        runtime: new RemoteRuntime(() => [engine.url], bench.client, limits),
      });
      expect(await bench.results.trades(batchId)).toMatchObject([
        { verdict: kind, verdictReason: expect.stringMatching(reason) },
      ]);
    } finally {
      await bench.close();
      await engine.close();
    }
  },
);
