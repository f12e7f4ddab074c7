/** What one run of a batch knows, and the part of it that a stage may read. */
import type { EventLogger } from "@cofi/event-log/event-logger";
import type { HostShares } from "@cofi/event-log/host-shares";
import type { Run } from "@cofi/event-log/runs";
import type { FilePlace } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { ListedCall } from "../csv/calls-csv.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { HostState } from "../pool/host-state.js";
import type { EngineClient } from "../hosts/engine-client.js";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import type { PipelineSettings } from "../settings.js";
import type { TriageConfig } from "../triage/triage-config.js";
import type { Answers, AnsweringStage, AnswersByStage, Recorded } from "./answers.js";
import type { BatchFolder, Recording } from "./batch-folder.js";
import type { DerivedAudio } from "./derived-audio.js";
import type { Beside } from "./beside.js";
import type { Measured } from "./measured.js";

/** What a stage may declare that it reads: rows of the CSV files, or the answers of an earlier stage. */
export type Reads = "calls" | "trades" | AnsweringStage;

/** Everything that a run knows; stages see it as {@link StageContext}. */
export interface BatchContext {
  readonly batchId: number;
  /** The run that this is of its batch: results are written in its name. */
  readonly run: Run;
  /** Of the configuration in force, which `batchRun` holds; lower-case hex. */
  readonly configurationSha256: string;
  readonly folder: BatchFolder;
  readonly settings: PipelineSettings;
  readonly triageConfig: TriageConfig;
  readonly client: EngineClient;
  readonly openAi: OpenAiEngines;
  readonly logger: EventLogger;
  readonly results: Results;
  readonly recordings: Recordings;
  readonly calls: Calls;
  /** Rows of trades.csv without an error. */
  readonly trades: { all: readonly ListedTrade[] };
  readonly answers: Answers;
  readonly measured: Measured;
  readonly beside: Beside;
  /** Notes rows of the CSV files that were set aside, or recordings without a row: the batch has not proven everything. */
  refuse(count: number): void;
  /** How many were refused so far. */
  refused(): number;
  /** What was thought of each host at the end of the last stage that used it, by its key. */
  readonly hostStates: Map<string, HostState>;
  /** How the slots of hosts are divided among all runs. */
  readonly hostShares: HostShares;
  /** Where recordings, and what was made from them, lie. */
  readonly derived: DerivedAudio;
  /** Copies of recordings that have changed which this run has renewed, by their place and file. */
  readonly renewed: Set<string>;
  /** Aborts when the batch is to stop: long work in this process ends then. */
  readonly signal: AbortSignal;
  /** Before a recording is put somewhere: retention finds it there later. */
  noteFiles(place: FilePlace): Promise<void>;
  /** Says something to the operator at the terminal; without payloads. */
  report(message: string): void;
  /** Stores something, waiting while the database is away. Rejects when the batch is stopped meanwhile. */
  persist<T>(work: () => Promise<T>): Promise<T>;
}

/** Recordings still in the batch, by name: a file that failed a stage, or was left out of it, does not enter the next. */
type Recordings = Map<string, Recording>;

/** Calls with a valid row whose recording's duration agrees, by file name. */
export class Calls {
  readonly #byFile = new Map<string, ListedCall>();

  replace(calls: readonly ListedCall[]): void {
    this.#byFile.clear();
    for (const call of calls) this.#byFile.set(call.fileName, call);
  }

  of(fileName: string): ListedCall | undefined {
    return this.#byFile.get(fileName);
  }

  has(fileName: string): boolean {
    return this.#byFile.has(fileName);
  }

  /** Its row turned out to be wrong. */
  remove(fileName: string): void {
    this.#byFile.delete(fileName);
  }

  /** In the order of calls.csv. */
  all(): ListedCall[] {
    return [...this.#byFile.values()];
  }
}

/** The answers of the stages that were declared. */
interface ReadAnswers<S extends AnsweringStage> {
  of<T extends S>(stage: T, name: string): Promise<Recorded<AnswersByStage[T]> | null>;
  each<T extends S>(stage: T, names: Iterable<string>): AsyncGenerator<[string, Recorded<AnswersByStage[T]>]>;
  ids(stage: S, names: readonly string[]): Promise<Map<string, number>>;
  readonly changes: ReadonlyMap<string, number>;
}

/** What a stage that reads `R` sees of its batch. */
export type StageContext<R extends Reads> = Omit<BatchContext, "calls" | "trades" | "answers"> &
  ("calls" extends R ? Pick<BatchContext, "calls"> : unknown) &
  ("trades" extends R ? Pick<BatchContext, "trades"> : unknown) & {
    readonly answers: ReadAnswers<Extract<R, AnsweringStage>>;
  };
