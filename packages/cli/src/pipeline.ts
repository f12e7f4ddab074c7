/** Puts the pipeline together: settings, engines, database, one run. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "@cofi/event-log/database";
import { Results } from "@cofi/evidence/results";
import { STAGES, type StageName } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { runBatch, type BatchResult } from "@cofi/pipeline/run-batch";
import { DockerRuntime } from "@cofi/pipeline/runtime/docker";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime, remoteUrls } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { loadTriageConfig } from "@cofi/pipeline/triage-config";
import { dataDir, prepareDataDir, spoolDir } from "./environment.js";

export interface RunOptions {
  database: Database;
  folder: string;
  name?: string | undefined;
  batchId?: number | undefined;
  fresh?: boolean | undefined;
  signal: AbortSignal;
  report: (message: string) => void;
}

const COFI = fileURLToPath(new URL("../bin/cofi.js", import.meta.url));

/** Engines of one host share a folder: what file_distribution puts there, the others read. */
function engineCommand(stage: StageName): { file: string; args: string[] } {
  const filesDir = join(dataDir(), "files");
  return {
    file: process.execPath,
    args: [COFI, "engine", stage, "--port", "0", "--files-dir", filesDir, "--until-stdin-closes"],
  };
}

/** Files go where they are processed first, unless a receiver of their own is named. */
function urlsOf(stage: StageName): string[] | null {
  return remoteUrls(stage, process.env) ?? (stage === "file_distribution" ? remoteUrls("denoise", process.env) : null);
}

/**
 * Runs a batch with the settings of the environment.
 * @throws SettingsError; what `runBatch` throws
 */
export async function runConfiguredBatch({ database, ...options }: RunOptions): Promise<BatchResult> {
  const settings = pipelineSettings(process.env);
  prepareDataDir();
  // A wrong URL is told now, and not when its stage comes.
  for (const { name } of STAGES) urlsOf(name);
  const triageConfig = await loadTriageConfig(process.env);
  const client = new EngineClient(settings.requestTimeoutMs);
  const openAi = new OpenAiEngines(process.env, settings.requestTimeoutMs);
  const containers = dockerSettings(process.env);
  const docker = containers && new DockerRuntime({ ...settings, client, settings: containers });
  const started = docker ?? new LocalProcessRuntime({ ...settings, client, command: engineCommand });
  const remote = new RemoteRuntime(urlsOf, client, settings);
  const runtime: Runtime = {
    start: (stage, ...rest) => (urlsOf(stage) ? remote : started).start(stage, ...rest),
  };
  try {
    return await runBatch({
      ...options,
      settings,
      triageConfig,
      client,
      openAi,
      runtime,
      spoolDir: spoolDir(),
      store: new Store(database),
      results: new Results(database),
    });
  } finally {
    await client.close();
    await openAi.close();
    await docker?.close();
  }
}
