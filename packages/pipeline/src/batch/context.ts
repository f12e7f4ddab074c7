/** What one run of a batch knows, and the part of it that a stage may read. */
import type { EventLogger } from "@cofi/event-log/event-logger";
import type { Run } from "@cofi/event-log/runs";
import type { FilePlace } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { ListedCall } from "../csv/calls-csv.js";
import type { CsvSettings } from "../csv/csv-settings.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { HostState } from "../pool/host-state.js";
import type { EngineClient } from "../hosts/engine-client.js";
import type { OpenAiEngines } from "../hosts/openai-client.js";
import type { PipelineSettings } from "../settings.js";
import type { SymbolMaster } from "../symbols/symbol-master.js";
import type { TriageConfig } from "../triage/triage-config.js";
import type { Answers, AnsweringStage, AnswersByStage, Recorded } from "./answers.js";
import type { BatchFolder, Recording } from "./batch-folder.js";
import type { DerivedAudio } from "./derived-audio.js";
import type { Beside } from "./beside.js";
import type { Measured } from "./measured.js";
import type { RunSlots } from "./run-slots.js";

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
  /** How the CSV files are read, beside the zone of the batch. */
  readonly csv: CsvSettings;
  /** Companies by symbol. */
  readonly symbolMaster: SymbolMaster;
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
  /** How the slots of engines are divided among all who use them. */
  readonly slots: RunSlots;
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
export class Recordings {
  readonly #folder: Pick<BatchFolder, "recordings" | "places">;
  /** By place in the folder. */
  readonly #isGone: Uint8Array;

  constructor(folder: Pick<BatchFolder, "recordings" | "places">) {
    this.#folder = folder;
    this.#isGone = new Uint8Array(folder.recordings.length);
  }

  get(fileName: string): Recording | undefined {
    const place = this.#folder.places.get(fileName);
    return place === undefined || this.#isGone[place] === 1 ? undefined : this.#folder.recordings[place];
  }

  delete(fileName: string): void {
    const place = this.#folder.places.get(fileName);
    if (place !== undefined) this.#isGone[place] = 1;
  }

  /** In the order of the folder. */
  all(): Recording[] {
    return this.#folder.recordings.filter((_, place) => this.#isGone[place] === 0);
  }
}

/** Calls with a valid row whose recording's duration agrees, by file name. */
export class Calls {
  readonly #places: BatchFolder["places"];
  /** In the order of calls.csv; null for one that was removed. */
  #rows: (ListedCall | null)[] = [];
  /** By place of the recording in the folder, the index in that list, or -1. */
  readonly #indexOf: Int32Array;

  constructor({ places }: Pick<BatchFolder, "places">) {
    this.#places = places;
    this.#indexOf = new Int32Array(places.size).fill(-1);
  }

  replace(calls: readonly ListedCall[]): void {
    this.#rows = calls.map((call) => new KeptCall(call));
    this.#indexOf.fill(-1);
    for (const [index, { fileName }] of calls.entries()) this.#indexOf[this.#placeOf(fileName)] = index;
  }

  of(fileName: string): ListedCall | undefined {
    return this.#rows[this.#indexOf[this.#placeOf(fileName)] ?? -1] ?? undefined;
  }

  has(fileName: string): boolean {
    return this.of(fileName) !== undefined;
  }

  /** Its row turned out to be wrong. */
  remove(fileName: string): void {
    const index = this.#indexOf[this.#placeOf(fileName)] ?? -1;
    if (index >= 0) this.#rows[index] = null;
  }

  /** In the order of calls.csv. */
  all(): ListedCall[] {
    return this.#rows.filter((row) => row !== null);
  }

  #placeOf(fileName: string): number {
    return this.#places.get(fileName) ?? -1;
  }
}

/** Of a hundred thousand calls, the times as objects would take as much memory as nearly all the rest. */
class KeptCall implements ListedCall {
  readonly callId: string;
  readonly fileName: string;
  readonly #startMs: number;
  readonly durationS: number;
  readonly direction: ListedCall["direction"];
  readonly callerNumber: string | null;
  readonly calleeNumber: string | null;
  readonly extension: string | null;
  readonly dealerId: string | null;
  readonly clientCode: string | null;
  readonly channels: number | null;
  readonly line: number;

  constructor(call: ListedCall) {
    this.callId = call.callId;
    this.fileName = call.fileName;
    this.#startMs = call.startTime.getTime();
    this.durationS = call.durationS;
    this.direction = call.direction;
    this.callerNumber = call.callerNumber;
    this.calleeNumber = call.calleeNumber;
    this.extension = call.extension;
    this.dealerId = call.dealerId;
    this.clientCode = call.clientCode;
    this.channels = call.channels;
    this.line = call.line;
  }

  get startTime(): Date {
    return new Date(this.#startMs);
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
