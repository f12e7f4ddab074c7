/** Runs batches against an SQLite database of the test's own and tells what the log says. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogEvent } from "@cofi/event-log/events";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { runBatch, type BatchResult, type RunBatchOptions } from "@cofi/pipeline/run-batch";
import type { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { ModelServers } from "@cofi/pipeline/runtime/model-servers";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

export interface BatchBench {
  client: EngineClient;
  store: Store;
  results: Results;
  fresh: FreshDatabase;
  /** For what the test's engines keep. */
  dataDir: string;
  reported: string[];
  /** `hostsFile`: names model servers. */
  run(
    options: { folder: string; runtime: Runtime; hostsFile?: HostsFile | null } & Partial<RunBatchOptions>,
  ): Promise<BatchResult>;
  events(batchId: number): Promise<LogEvent[]>;
  close(): Promise<void>;
}

export async function batchInSqlite(env: NodeJS.ProcessEnv = {}): Promise<BatchBench> {
  const fresh = await freshDatabase("sqlite");
  const dataDir = await mkdtemp(join(tmpdir(), "cofi-data-"));
  const client = new EngineClient(60_000);
  const openAi = new OpenAiEngines(env, 5_000);
  const store = new Store(fresh.database);
  const results = new Results(fresh.database);
  const reported: string[] = [];
  return {
    client,
    store,
    results,
    fresh,
    dataDir,
    reported,
    run({ runtime, hostsFile = null, ...options }) {
      const settings =
        options.settings ?? pipelineSettings({ COFI_RETRY_DELAY_MS: "5", COFI_SLOTS_PER_HOST: "2", ...env });
      return runBatch({
        store,
        results,
        client,
        openAi,
        triageConfig: DEFAULT_TRIAGE,
        version: "0.0.0",
        engines: null,
        spoolDir: join(dataDir, "spool"),
        signal: new AbortController().signal,
        report: (message) => void reported.push(message),
        ...options,
        settings,
        runtime: new ModelServers(openAi, runtime, { ...settings, hostsFile }),
      });
    },
    events: (batchId) => store.batchEventsAfter(batchId, 0, Number.MAX_SAFE_INTEGER, 10_000),
    async close() {
      await client.close();
      await openAi.close();
      await fresh.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
