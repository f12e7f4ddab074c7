/** Denoised audio that is made again beside files of other stages and runs: no host has more in work than its slots, and none is started twice. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StageName } from "@cofi/event-log/stages";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import {
  startScriptedEngine,
  type ScriptedEngine,
  type ScriptedOptions,
} from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const SLOTS = 2;

let bench: BatchBench | undefined;
let engines: ScriptedEngine[];

beforeEach(() => {
  engines = [];
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await bench?.close();
  bench = undefined;
});

async function start(options: ScriptedOptions): Promise<ScriptedEngine> {
  const engine = await startScriptedEngine({ keepsFiles: true, ...options });
  engines.push(engine);
  return engine;
}

/** Whenever a file comes to it from another host, that one has lost what it had made. */
function forgetfulOf(other: ScriptedEngine): ScriptedOptions {
  return { until: (stage) => (stage === "put original" ? Promise.resolve(other.forget("denoised")) : undefined) };
}

/** Denoises on the first host, and does what follows on the others. `begins`: awaited when the engines of a stage are started. */
function runtimeOf(
  { client }: BatchBench,
  begins: (stage: StageName) => Promise<void> | void,
  isShared = true,
): Runtime {
  const isLater = (stage: StageName): boolean => /^(?:lid|stt|llm)/.test(stage);
  const urls = (stage: StageName): string[] =>
    (isLater(stage) ? engines.slice(1) : engines.slice(0, 1)).map(({ url }) => url);
  const remote = new RemoteRuntime(urls, client, { slotsPerHost: SLOTS });
  return {
    machinesOf: (stage) => remote.machinesOf(stage),
    async start(stage) {
      await begins(stage);
      const running = await remote.start(stage);
      return { ...running, hosts: running.hosts.map((host) => ({ ...host, isShared })) };
    },
  };
}

test("two batches whose audio is made again: no host has more in work than its slots", async () => {
  bench = await batchInSqlite();
  const maker = await start({ tookMs: (stage) => (stage === "denoise" ? 30 : 0) });
  for (let n = 0; n < 2; n++) await start(forgetfulOf(maker));
  let came = 0;
  let bothCame!: () => void;
  const both = new Promise<void>((resolve) => (bothCame = resolve));
  const begins = async (stage: StageName): Promise<void> => {
    if (stage !== "lid") return;
    if (++came === 2) bothCame();
    await both;
  };
  const runtime = runtimeOf(bench, begins);
  const run = async (name: string) => bench!.run({ name, folder: await batchOfFiles(), runtime });
  const ended = await Promise.all([run("first"), run("second")]);
  expect(ended.map(({ status }) => status)).toEqual(["completed", "completed"]);
  const made = maker.requests.filter((request) => request.startsWith("denoise ")).length;
  expect(made).toBeGreaterThan(2 * FILES.length);
  expect(maker.most("denoise")).toBeLessThanOrEqual(SLOTS);
  expect(await bench.fresh.database.kysely.selectFrom("engineHostUse").selectAll().execute()).toEqual([]);
});

test.each([
  ["shared with other runs", true],
  ["of this run alone", false],
])(
  "stages side by side on hosts %s: what is made again counts too, and nothing is started twice",
  async (_, isShared) => {
    bench = await batchInSqlite({ COFI_FLOW: "pipelined" });
    const maker = await start({ tookMs: (stage) => (stage === "denoise" ? 30 : 0) });
    await start(forgetfulOf(maker));
    const begun: StageName[] = [];
    const runtime = runtimeOf(bench, (stage) => void begun.push(stage), isShared);
    const { status, summary } = await bench.run({ folder: await batchOfFiles(), runtime });
    expect([status, summary]).toEqual(["completed", "All files went through."]);
    expect(maker.requests.filter((request) => request.startsWith("denoise ")).length).toBeGreaterThan(FILES.length);
    expect(maker.most("denoise")).toBeLessThanOrEqual(SLOTS);
    expect(begun.filter((stage) => stage === "denoise")).toHaveLength(1);
  },
);
