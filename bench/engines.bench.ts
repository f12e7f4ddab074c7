/**
 * Seconds of a processor that the engines of the sound take for a second of audio. `COFI_BENCH_BEFORE` names the folder of another
 * build of Cofi, which is then measured in the same run, on the same recordings.
 */
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { BuildOfEngines, SOUND_STAGES } from "./support/engine-processor.js";
import { record } from "./support/results.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A call, another one in noise, and one that is not English. */
const RECORDINGS = ["batch/c04.wav", "noisy/c06_car5.wav", "batch/c13.wav"];
const SILENCE = "batch/c10.wav";

test("processor time of the engines", async () => {
  const [silence = "", ...recordings] = [SILENCE, ...RECORDINGS].map((name) => `${ROOT}/samples/${name}`);
  const before = process.env["COFI_BENCH_BEFORE"];
  const roots = { ...(before !== undefined && { before }), [before === undefined ? "measured" : "now"]: ROOT };
  const builds = await Promise.all(
    Object.entries(roots).map(async ([name, root]) => ({ name, build: await BuildOfEngines.of(root, recordings) })),
  );
  try {
    const stages: Record<string, number> = {};
    const totals: Record<string, number> = {};
    // Stage by stage, so that the builds are measured at about the same time: what else the machine does costs time, too.
    for (const stage of SOUND_STAGES)
      for (const { name, build } of builds) {
        const perSecond = (await build.processorS(stage, silence)) / build.audioS;
        stages[`${stage}, ${name}`] = perSecond;
        totals[`all stages, ${name}`] = (totals[`all stages, ${name}`] ?? 0) + perSecond;
      }
    const note =
      "Bars: all stages <= 0.4 s; lid <= stt. What an engine takes to start and to load its models does not count.";
    const title = "The engines of the sound: processor time for a second of audio, three calls";
    await record(title, "s", { ...totals, ...stages }, note);
  } finally {
    await Promise.all(builds.map(({ build }) => build.close()));
  }
});
