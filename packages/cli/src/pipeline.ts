/** Puts the pipeline together: settings, engines, database, one run. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "@cofi/event-log/database";
import type { Json } from "@cofi/event-log/events";
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
import { VERSION } from "./version.js";

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

/** Engines of one host share a folder: file_distribution writes it, the others read it. */
function engineCommand(stage: StageName): { file: string; args: string[] } {
  const filesDir = join(dataDir(), "files");
  return {
    file: process.execPath,
    args: [COFI, "engine", stage, "--port", "0", "--files-dir", filesDir, "--until-stdin-closes"],
  };
}

/** Files are sent to the hosts that process them first, unless other receivers are configured. */
function urlsOf(stage: StageName): string[] | null {
  return remoteUrls(stage, process.env) ?? (stage === "file_distribution" ? remoteUrls("denoise", process.env) : null);
}

/** The engine of each stage: the URL and model of a server, the URLs of hosts, or the command that starts it here. */
function enginesInForce(openAi: OpenAiEngines): Json {
  const started = process.env["COFI_RUNTIME"]?.trim() || "process";
  return Object.fromEntries(STAGES.map(({ name }) => [name, openAi.describe(name) ?? urlsOf(name) ?? started]));
}

/**
 * Runs a batch with the settings of the environment.
 * @throws SettingsError, and the errors of `runBatch`
 */
export async function runConfiguredBatch({ database, ...options }: RunOptions): Promise<BatchResult> {
  const settings = pipelineSettings(process.env);
  prepareDataDir();
  // A wrong URL is reported now instead of when its stage begins.
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
      version: VERSION,
      engines: enginesInForce(openAi),
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
