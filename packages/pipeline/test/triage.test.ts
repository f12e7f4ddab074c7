/** The rules of triage one by one, and how they are configured. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { triage } from "@cofi/pipeline/triage";
import { DEFAULT_TRIAGE, loadTriageConfig } from "@cofi/pipeline/triage-config";
import { folderWith } from "./batch-files.js";
import { CLIENT, at, call, one, selected, trade } from "./triage-builders.js";

/** The only candidate's scores when the call starts at this minute. */
const scores = (minutes: number) => one([call("c1", at(minutes), { clientCode: "C1" })]).candidates[0];

describe("the rules", () => {
  it("1: leaves orders alone that did not come by phone", () => {
    const result = one([call("c1", at(-1))], { orderSource: "ONLINE" });
    expect(result).toMatchObject({
      result: "OUT_OF_SCOPE",
      candidates: [],
      steps: [{ rule: "SCOPE", outcome: "stop" }],
    });
    expect(one([call("c1", at(-1))], { orderSource: null }).result).toBe("MATCHED");
  });

  it("2: triages the fills of one order as one, from its earliest time, but not orders of two clients under one id", () => {
    const trades = [
      trade({ tradeId: "late", orderTime: at(90) }),
      trade({ tradeId: "early" }),
      trade({ tradeId: "other", clientCode: "C2", clientPhones: ["+442071234567"] }),
    ];
    const [late, early, other] = triage(trades, [call("c1", at(-1))], DEFAULT_TRIAGE);
    expect(late).toMatchObject({ tradeId: "late", result: "MATCHED", candidates: [{ callId: "c1", score: 85 }] });
    expect(early).toEqual({ ...late, tradeId: "early" });
    expect(other).toMatchObject({ result: "NO_CALL_FOR_CLIENT" });
    expect(late?.steps[1]?.detail).toMatch(/has 2 fills/);
  });

  it("3: looks for the client's phone on either side, or the client's code", () => {
    expect(one([call("c1", at(-1), { callerNumber: "+442071234567" })])).toMatchObject({
      result: "NO_CALL_FOR_CLIENT",
      candidates: [],
    });
    const out = one([call("c1", at(-1), { callerNumber: null, calleeNumber: CLIENT })]);
    expect(out).toMatchObject({ result: "MATCHED", candidates: [{ components: { phone: 40, clientCode: 0 } }] });
    const code = one([call("c1", at(-1), { callerNumber: null, clientCode: "C1" })]);
    expect(code).toMatchObject({
      result: "WEAK_MATCH",
      candidates: [{ score: 60, components: { phone: 0, clientCode: 15 } }],
    });
    const foreign = one([call("c1", at(-1), { clientCode: "C2" })]);
    expect(foreign.candidates[0]?.flags).toEqual(["CLIENT_CODE_DIFFERS"]);
  });

  it("3: without a known phone takes the dealer's calls in the window, capped", () => {
    const dealer = call("c1", at(-1), { callerNumber: "+442071234567" });
    const result = one([dealer, call("later", at(30)), call("other", at(-1), { dealerId: "D08" })], {
      clientPhones: [],
    });
    expect(result).toMatchObject({
      result: "WEAK_MATCH",
      candidates: [{ callId: "c1", score: 45, flags: ["CLIENT_PHONE_UNKNOWN"] }],
    });
    expect(result.candidates).toHaveLength(1);
    const weights = { phone: 40, clientCode: 50, dealer: 20, time: 25 };
    expect(one([{ ...dealer, clientCode: "C1" }], { clientPhones: [] }, { weights }).candidates[0]?.score).toBe(60);
    expect(one([call("later", at(30))], { clientPhones: [] }).result).toBe("NO_CALL_FOR_CLIENT");
  });

  it("4: wants the call on the trading day, begun before the order, clock skew allowed", () => {
    expect(one([call("c1", at(1))]).result).toBe("MATCHED");
    const after = one([call("c1", at(1, 1))]);
    expect(after).toMatchObject({
      result: "CALL_AFTER_ORDER",
      candidates: [{ flags: ["CALL_AFTER_ORDER"], selected: false }],
    });
    expect(after.reason).toMatch(/c1, started 1 min 1 s after it/);
    const yesterday = call("c1", at(-24 * 60));
    expect(one([yesterday])).toMatchObject({ result: "CALL_OUT_OF_WINDOW", candidates: [{ selected: false }] });
    expect(one([yesterday, call("c2", at(5))]).result).toBe("CALL_AFTER_ORDER");
    // 09:30 of the same day in UTC, but already the day before in Los Angeles at 00:30 UTC.
    expect(one([call("c1", at(-9 * 60 - 30))]).result).toBe("WEAK_MATCH");
    expect(one([call("c1", at(-9 * 60 - 30))], {}, { timeZone: "America/Los_Angeles" }).result).toBe(
      "CALL_OUT_OF_WINDOW",
    );
    expect(one([call("c1", at(-7))], {}, { windowMinutes: 5 }).result).toBe("MATCHED");
    expect(one([call("c1", at(-8))], {}, { windowMinutes: 5 }).result).toBe("CALL_OUT_OF_WINDOW");
  });

  it("5: keeps calls of another dealer with a flag, and knows dealers by their extensions", () => {
    const other = one([call("c1", at(-1), { dealerId: "D08" })]);
    expect(other).toMatchObject({ result: "WEAK_MATCH", candidates: [{ score: 65, flags: ["DEALER_MISMATCH"] }] });
    expect(one([call("c1", at(-1), { dealerId: null })]).candidates[0]?.flags).toEqual(["DEALER_UNKNOWN"]);
    const seen = call("c0", at(-300), { extension: "2104", callerNumber: null });
    expect(one([seen, call("c1", at(-1), { dealerId: null, extension: "2104" })]).result).toBe("MATCHED");
    const dealerExtensions = { D07: ["99"] };
    expect(one([call("c1", at(-1), { dealerId: null, extension: "99" })], {}, { dealerExtensions }).result).toBe(
      "MATCHED",
    );
  });

  it("6: rules out calls with too little speech or unusable audio", () => {
    const short = call("short", at(-1), { speechS: 4.9 });
    const broken = call("broken", at(-1), { audioUsable: false, speechS: null });
    expect(one([short])).toMatchObject({
      result: "CALL_TOO_SHORT",
      candidates: [{ flags: ["CALL_TOO_SHORT"], selected: false }],
    });
    expect(one([broken]).result).toBe("AUDIO_UNUSABLE");
    expect(one([short, broken]).result).toBe("AUDIO_UNUSABLE");
    expect(one([call("c1", at(-1), { speechS: null })]).result).toBe("MATCHED");
    const result = one([short, broken, call("good", at(-10))]);
    expect(result).toMatchObject({ result: "MATCHED", candidates: [{ callId: "good", rank: 1 }, {}, {}] });
  });

  it("7: scores phone 40, client code 15, dealer 20 and time 25 e^(-gap / 30 min)", () => {
    expect(scores(0)).toMatchObject({ score: 100, components: { phone: 40, clientCode: 15, dealer: 20, time: 25 } });
    expect(scores(-1)?.components.time).toBe(25);
    expect(scores(-31)).toMatchObject({ score: 84.2, components: { time: 9.2 } });
    expect(scores(-31)?.reason).toBe(
      "client's phone (40), client code (15), dealer D07 (20), ended 30 min before the order (9.2).",
    );
  });

  it("8: matches, keeps close seconds for llm1 to decide, or calls the match weak or none", () => {
    const best = call("best", at(-1));
    expect(one([best, call("next", at(-17, 0))])).toMatchObject({ result: "MATCHED" });
    const close = one([best, call("b", at(-2)), call("c", at(-3)), call("d", at(-4))]);
    expect(close.result).toBe("AMBIGUOUS");
    expect(selected(close)).toEqual(["best", "b", "c"]);
    expect(close.candidates).toHaveLength(4);
    expect(selected(one([best, call("next", at(-40))]))).toEqual(["best"]);
    const weak = one([call("c1", at(-300), { dealerId: "D08" })]);
    expect(weak).toMatchObject({ result: "WEAK_MATCH", candidates: [{ score: 40, selected: true }] });
    const none = one([call("c1", at(-120), { callerNumber: null, clientCode: "C1" })]);
    expect(none).toMatchObject({ result: "NO_CALL", candidates: [{ selected: false }] });
    expect(none.reason).toMatch(/scores 35.\d+, below 40/);
  });

  it("9: breaks ties by the order inside the call, the nearest end, the longest speech, the id", () => {
    const long = { endTime: at(2) };
    const ranked = one([
      call("d", at(-1)),
      call("b", at(-1), { ...long, speechS: 40 }),
      call("a", at(-1), { ...long, speechS: 40 }),
      call("c", at(-1), { ...long, speechS: 60 }),
      call("e", at(-1, -1), { speechS: 90 }),
    ]).candidates.map((each) => each.callId);
    expect(ranked).toEqual(["c", "a", "b", "d", "e"]);
  });

  it("explains each rule it applied, without phone numbers", () => {
    const result = one([call("c1", at(-1)), call("c2", at(20))]);
    expect(result.steps.map(({ rule }) => rule)).toEqual([
      "SCOPE",
      "ORDER",
      "IDENTITY",
      "TIME",
      "DEALER",
      "AUDIO",
      "SCORE",
      "DECISION",
    ]);
    expect(result.steps.map(({ outcome }) => outcome).slice(0, -1)).not.toContain("stop");
    expect(JSON.stringify(result)).not.toContain(CLIENT.slice(1));
    expect(result.reason).toBe("Call c1 scores 85, the only one left.");
  });
});

describe("loadTriageConfig", () => {
  it("reads what the file says and keeps the other defaults", async () => {
    const folder = await folderWith({ "triage.json": '{"weights": {"phone": 50}, "windowMinutes": 120}' });
    const environment = { COFI_TRIAGE_CONFIG: join(folder, "triage.json"), COFI_TIME_ZONE: "Asia/Kolkata" };
    const expected = { ...DEFAULT_TRIAGE, windowMinutes: 120, timeZone: "Asia/Kolkata" };
    expect(await loadTriageConfig(environment)).toEqual({
      ...expected,
      weights: { ...DEFAULT_TRIAGE.weights, phone: 50 },
    });
    expect(await loadTriageConfig({})).toEqual(DEFAULT_TRIAGE);
  });

  it("names the file and the field that is wrong", async () => {
    const path = join(
      await folderWith({ "triage.json": '{"weights": {"phone": -1}, "thresholds": 1}' }),
      "triage.json",
    );
    await expect(loadTriageConfig({ COFI_TRIAGE_CONFIG: path })).rejects.toThrow(
      /triage\.json is not valid: weights\.phone: .*thresholds/s,
    );
    await writeFile(path, "{");
    await expect(loadTriageConfig({ COFI_TRIAGE_CONFIG: path })).rejects.toThrow(/cannot be read as JSON/);
    await writeFile(path, '{"timeZone": "Mars"}');
    await expect(loadTriageConfig({ COFI_TRIAGE_CONFIG: path })).rejects.toThrow(/"Mars", which is no time zone/);
  });
});
