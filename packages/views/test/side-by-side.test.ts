/** Stages that run side by side: a file goes on to the next one while others are still in this one. */
import { expect, test } from "vitest";
import { reconciliation } from "@cofi/views/detail/handoffs";
import type { Range } from "@cofi/views/detail/shapes";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import { STAGES } from "@cofi/event-log/stages";
import { BATCH } from "../../../test/support/log-events.js";
import { ASOF, detailOf, Script } from "./script.js";

const LATER = Date.parse(BATCH.createdAt) + 600_000;

/** denoise has done so many files, ivr as many, and both say that they have 10. */
function beside(denoised: number, heard: number): Script {
  const script = new Script();
  for (const stage of ["denoise", "ivr"]) script.add(stage, { eventType: "stage_start", totalFiles: 10 });
  for (let n = 0; n < denoised; n++) script.done("denoise", `${n}.wav`, 1);
  for (let n = 0; n < heard; n++) script.done("ivr", `${n}.wav`, 1);
  script.add("denoise", { eventType: "file_start", fileName: "slow.wav" });
  return script;
}

function stuckIn(script: Script): string[] {
  const { detail, summaries } = detailOf(script.events);
  return stallsOf(detail, summaries, LATER).flatMap(({ kind, stage }) => (kind === "stuck-stage" ? [stage] : []));
}

test("a stage that has done all that was handed to it is not stuck: the one before it is", () => {
  expect(stuckIn(beside(4, 4))).toEqual(["denoise"]);
  expect(stuckIn(beside(5, 4))).toEqual(["denoise", "ivr"]);
});

test("files that the stage before is still at work on are not missing in this one", () => {
  const { detail, summaries } = detailOf(beside(5, 3).events);
  const ivr = reconciliation(detail, summaries, ASOF).stages.find(({ stage }) => stage === "ivr");
  expect(ivr).toMatchObject({ input: 5, done: 3, waiting: 2, missing: 0, unexpected: 0, unnamed: 0, announced: 10 });
});

test("what is left takes as long as the longest of the stages side by side, and not their sum", () => {
  const script = beside(6, 6);
  const { detail, summaries } = detailOf(script.events);
  const past = new Map(STAGES.map(({ name }): [string, Range] => [name, [0, 0]]));
  const view = timelineView(detail, summaries, past, Date.parse(BATCH.createdAt) + (script.at + 60) * 1_000);
  const atWork = view.stages.filter(({ status }) => status === "processing").map(({ remainingMs }) => remainingMs!);
  expect(atWork).toHaveLength(2);
  expect(view.remainingMs).toEqual([0, 1].map((end) => Math.max(...atWork.map((range) => range[end]!))));
  expect(view.remainingMs![0]).toBeGreaterThan(0);
});
