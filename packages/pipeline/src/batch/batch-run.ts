/** What one run of a batch knows: its input, what the stages have found out so far, and who may be asked. */
import type { EventLogger } from "@cofi/event-log/event-logger";
import type { Run } from "@cofi/event-log/runs";
import type { Results } from "@cofi/evidence/results";
import type { BatchFolder, Recording } from "./batch-folder.js";
import type { ListedCall } from "../csv/calls-csv.js";
import type { EngineClient } from "../hosts/engine-client.js";
import type {
  DenoiseResponse,
  IvrResponse,
  LidResponse,
  Llm1Response,
  Llm2Response,
  SttResponse,
} from "../hosts/engine-contract.js";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import type { PipelineSettings } from "../settings.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { TradeTriage } from "../triage/triage.js";
import type { TriageConfig } from "../triage/triage-config.js";

/** Responses by file name. Stages that come later read those of earlier ones; after a restart they come from the log. */
interface Findings {
  denoise: Map<string, DenoiseResponse>;
  ivr: Map<string, IvrResponse>;
  lid: Map<string, LidResponse>;
  stt: Map<string, SttResponse>;
  llm1: Map<string, Llm1Response>;
  llm2: Map<string, Llm2Response>;
}

export interface BatchRun {
  readonly batchId: number;
  /** The run that this is of its batch: results are written in its name. */
  readonly run: Run;
  readonly folder: BatchFolder;
  readonly settings: PipelineSettings;
  readonly timeZone: string;
  readonly triageConfig: TriageConfig;
  readonly client: EngineClient;
  readonly openAi: OpenAiEngines;
  readonly logger: EventLogger;
  readonly results: Results;
  /** Recordings still in the batch: a file that failed a stage does not enter the next. */
  readonly active: Map<string, Recording>;
  /** Calls with a valid row whose recording's duration agrees, by file name. */
  calls: Map<string, ListedCall>;
  trades: ListedTrade[];
  /** Rows of the CSV files that were set aside, and recordings without a row: the batch has not proven everything. */
  refused: number;
  /** Files whose content is not what an earlier run saw: what the log says of them does not count. */
  readonly changed: Set<string>;
  triage: Map<string, TradeTriage>;
  readonly findings: Findings;
  /** Stores something, waiting while the database is away. Rejects when the batch is stopped meanwhile. */
  persist<T>(work: () => Promise<T>): Promise<T>;
}
