/** A batch with trades of every kind, with contents in all places where they may stand. */
import type { NewCall, NewTrade } from "@cofi/evidence/records";
import { Results } from "@cofi/evidence/results";
import type { FreshDatabase } from "./databases.js";

export interface Secrets {
  word: string;
  phone: string;
  client: string;
}

const call = (callId: string, { phone, client }: Secrets): NewCall => ({
  callId,
  fileName: `20260105-101500_+${phone}_${callId}.wav`,
  startTime: new Date("2026-01-05T04:45:00Z"),
  durationS: 60,
  direction: "IN",
  callerNumber: `+${phone}`,
  calleeNumber: null,
  extension: null,
  dealerId: "D01",
  clientCode: client,
  channels: 1,
  trimStartS: 1,
  trimEndS: 59,
});

const trade = (tradeId: string, more: Partial<NewTrade> = {}): NewTrade => ({
  tradeId,
  orderId: `O-${tradeId}`,
  orderTime: new Date("2026-01-05T04:46:00Z"),
  tradeTime: null,
  clientCode: "AB1234",
  clientPhones: [],
  dealerId: "D01",
  exchange: "NSE",
  symbol: "INFY",
  instrument: "EQ",
  expiry: null,
  strike: null,
  optionType: null,
  side: "BUY",
  quantity: 300,
  lotSize: null,
  price: 1650.05,
  orderType: "LIMIT",
  orderSource: "DEALER",
  ...more,
});

/** T1 differs, and its call C1 was heard; T2 and T3 are fills of one order; T4 has not been judged; T5 is out of scope. */
export async function storeTrades(
  fresh: Pick<FreshDatabase, "database" | "insertForeign">,
  batchId: number,
  secrets: Secrets,
): Promise<Results> {
  const { word, phone, client } = secrets;
  const results = new Results(fresh.database);
  const run = { batchId, run: 0 };
  const evidence = [{ segment: 0, start_s: 2.5, end_s: 4, quote: `buy ${word}` }];
  await results.replaceCalls(run, [call("C1", secrets), call("C2", secrets)]);
  await results.replaceTrades(run, [
    trade("T1", { clientCode: client, clientPhones: [`+${phone}`] }),
    trade("T2", { orderId: "O2", clientCode: client }),
    trade("T3", { orderId: "O2", symbol: '=HYPERLINK("http://x")', quantity: 100 }),
    trade("T4", { side: "SELL" }),
    trade("T5", { orderSource: "ONLINE" }),
  ]);
  await results.saveTriage(run, [
    {
      tradeId: "T1",
      result: "MATCHED",
      reason: `${word} called from +${phone}`,
      steps: [{ rule: "IDENTITY", outcome: "pass", detail: `the phone +${phone}` }],
      candidates: ["C1", "C2"].map((callId, place) => ({
        callId,
        rank: place + 1,
        score: 90 - place,
        components: { phone: 40, clientCode: 15, dealer: 20, time: 15 - place },
        flags: [],
        selected: place === 0,
        reason: `the phone +${phone} of ${word}`,
      })),
    },
    { tradeId: "T5", result: "OUT_OF_SCOPE", reason: "ordered online", steps: [], candidates: [] },
  ]);
  const lines = [
    `QTY: different. spoken 250 shares ${word}, executed 300`,
    `CLIENT: same. heard client ${client}`,
    `USED: ${word}`,
  ];
  const verdict = { callId: "C1", reason: `They differ: ${word}`, detail: { mismatches: ["QTY"], lines } };
  await results.saveVerdicts(run, [
    { tradeId: "T1", verdict: "MISMATCH", ...verdict },
    ...["T2", "T3"].map((tradeId) => ({ ...verdict, tradeId, verdict: "CONFIRMED", detail: null })),
  ]);
  const response = JSON.stringify({ tradeId: "T1", verdict: "MISMATCH", ...statement(verdict.reason, lines) });
  const row = { batchId, stage: "verdicts", fileName: "T1", run: 1 };
  await fresh.insertForeign({ ...row, eventType: "file_start", payload: JSON.stringify({ word }) });
  await fresh.insertForeign({ ...row, eventType: "file_complete", status: "success", response });
  const segments = [
    { id: 0, start_s: 2.5, end_s: 4, text: `buy ${word}`, confidence: 0.9, speaker: "client" as const },
    { id: 1, start_s: 4, end_s: 6, text: `+${phone}`, confidence: 0.4 },
  ];
  const transcript = { language: "en", confidence: 0.8, model: "small", text: `buy ${word}`, segments };
  await results.saveTranscript(run, "C1", transcript);
  await results.saveExtraction(
    run,
    "C1",
    [
      {
        action: "NEW",
        side: "BUY",
        symbol: word,
        symbolSpoken: word,
        instrument: null,
        quantity: 250,
        unit: "SHARES",
        priceType: "LIMIT",
        price: 1650,
        triggerPrice: null,
        strike: null,
        optionType: null,
        expiry: null,
        readBack: true,
        clientConfirmed: true,
        confidence: 0.9,
        evidence,
      },
    ],
    { name: word, code: client },
  );
  await results.saveAnswers(run, "C1", [
    { questionId: "client_identified", answer: "YES", confidence: 0.9, evidence, rationale: `It is ${word}` },
  ]);
  return results;
}

function statement(reason: string, lines: string[]) {
  return {
    reason,
    callId: "C1",
    mismatches: ["QTY"],
    lines,
    restsOn: {
      run: 1,
      configurationSha256: "ab",
      orderSha256: null,
      triaging: null,
      calls: [
        {
          callId: "C1",
          fileName: "c1.wav",
          recordingSha256: null,
          fileDistribution: null,
          ivr: null,
          stt: 7,
          llm1: null,
          llm2: null,
        },
      ],
    },
  };
}
