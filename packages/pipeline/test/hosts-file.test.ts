/** Hosts that leave and come back, and stages side by side that hear of it. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES, folderWith } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const MODELS = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"];

type Hosts = (string | { url: string; slots: number })[];

let bench: BatchBench;
let engines: ScriptedEngine[];
let path: string;

beforeEach(async () => {
  engines = [];
  path = join(await folderWith({}), "hosts.json");
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await bench.close();
});

async function start(...options: Parameters<typeof startScriptedEngine>): Promise<ScriptedEngine> {
  const engine = await startScriptedEngine(...options);
  engines.push(engine);
  return engine;
}

/** Names the hosts of all stages. */
async function write(hosts: Hosts): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(MODELS.map((stage) => [stage, hosts]))));
  await rename(`${path}.new`, path);
}

function runtimeOf(): RemoteRuntime {
  return new RemoteRuntime(() => [], bench.client, { slotsPerHost: 2, hostsFile: new HostsFile(path) });
}

interface Step {
  stage: string;
  url: string;
  from: string;
  to: string;
}

async function steps(): Promise<Step[]> {
  return (await bench.events(1)).flatMap(({ stage, metadata }) => {
    const host = (metadata as { host?: Omit<Step, "stage"> } | null)?.host;
    return host ? [{ ...host, stage }] : [];
  });
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("whoever watches the file hears of a change that somebody else has read", async () => {
  bench = await batchInSqlite();
  await write(["http://a"]);
  const file = new HostsFile(path);
  const known = file.changes;
  const heard = [0, 0];
  const ends = heard.map((_, n) =>
    file.watch(
      known,
      () => (heard[n]! += 1),
      () => undefined,
    ),
  );
  await write(["http://a", "http://b"]);
  await file.refresh();
  expect(file.of("stt")).toHaveLength(2);
  await expect.poll(() => heard).toEqual([1, 1]);
  for (const end of ends) end();
});

test("each of the stages side by side hears of a host that joins", async () => {
  bench = await batchInSqlite({ COFI_FLOW: "pipelined" });
  const hasJoined = (stage: string) => async () =>
    (await steps()).some((step) => step.stage === stage && step.url === second.url && step.to === "joining");
  const all = async (): Promise<boolean> =>
    (await Promise.all(["denoise", "ivr", "lid"].map((stage) => hasJoined(stage)()))).every(Boolean);
  // One file is in the first stage until all of them have heard of it.
  const first = await start({
    until: (stage, file) => (stage + file === `denoise${FILES[0]}` ? until(all) : undefined),
  });
  const second = await start();
  await write([first.url]);
  const running = bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  await first.asked("lid", FILES[1]!);
  await write([first.url, second.url]);
  expect((await running).status).toBe("completed");
});

