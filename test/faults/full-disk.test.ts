/**
 * The spool's disk fills up in the middle of a batch, and the run is asked to stop: it ends, says so, and what it had
 * acknowledged is in the log. The next run finishes the batch. `npm run faults` does it twenty times.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { expect, inject, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { faultRounds, reportFault } from "../support/fault-row.js";
import { stoppableRun, terminated, type StoppableRun } from "../support/stoppable-run.js";

const ROUNDS = Math.ceil(faultRounds(1) / 5);
const STAGES = ["denoise", "ivr", "lid", "stt"] as const;
const EXIT_INTERRUPTED = 130;

test(`SIGTERM ends a run whose disk is full, ${ROUNDS} times`, { timeout: 180_000 + ROUNDS * 60_000 }, async () => {
  const times: number[] = [];
  const sums = { interrupted: 0, completed: 0, answered: 0, askedTwice: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const run = await stoppableRun(inject("serverUrl"));
    try {
      const found = await oneRound(run, STAGES[round % STAGES.length]!);
      times.push(found.ms);
      sums.interrupted += Number(found.code === EXIT_INTERRUPTED);
      sums.completed += Number(found.end === 0 && found.outcomes === "interrupted,completed");
      sums.answered += found.answered;
      sums.askedTwice += found.askedTwice;
    } finally {
      await run.close();
    }
  }
  times.sort((a, b) => a - b);
  await reportFault(
    "full-disk",
    `disk full and SIGTERM, ${ROUNDS} times: ${sums.interrupted} runs ended as interrupted, after ${seconds(times[0])} to ` +
      `${seconds(times.at(-1))} (grace period 1 s); ${sums.completed} batches completed by the next run, ` +
      `${sums.answered} answers acknowledged before, ${sums.askedTwice} of them lost and asked for again`,
  );
  expect(sums).toMatchObject({ interrupted: ROUNDS, completed: ROUNDS, askedTwice: 0 });
});

/** The disk is full while a file hangs in this stage; all stages before it are done. */
async function oneRound(run: StoppableRun, stage: string) {
  run.engine.plan(stage, "a.wav", "hang");
  const path = await run.folder();
  const child = run.start(path);
  await run.engine.asked(stage, "a.wav");
  const before = STAGES.slice(0, STAGES.indexOf(stage as (typeof STAGES)[number]));
  const answered = run.engine.requests.filter((request) => before.some((name) => request.startsWith(`${name} `)));
  execFileSync("prlimit", ["--pid", String(child.pid), "--fsize=1"]);
  const { code, ms } = await terminated(child);
  const asked = run.engine.requests.length;
  const again = run.start(path);
  const [end] = (await once(again, "exit")) as [number | null];
  const later = new Set(run.engine.requests.slice(asked));
  const database = await openDatabase(run.url);
  const runs = await new Store(database).runs(1);
  await database.close();
  return {
    ms,
    code,
    end,
    answered: answered.length,
    askedTwice: answered.filter((request) => later.has(request)).length,
    outcomes: runs.map(({ outcome }) => outcome).join(),
  };
}

function seconds(ms = Number.NaN): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
