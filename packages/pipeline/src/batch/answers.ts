/** What earlier stages were answered, read from the log when it is needed: no run holds all of it in memory. */
import type { Json } from "@cofi/event-log/events";
import type { CompletedFile, Page, RecordedWhole as Logged, Store } from "@cofi/event-log/store";
import { Together } from "@cofi/event-log/together";
import type {
  DenoiseResponse,
  IvrResponse,
  LidResponse,
  Llm1Response,
  Llm2Response,
  SttResponse,
} from "../hosts/engine-contract.js";
import type { LoggedTriage } from "../triage/triage.js";

/** Stages whose answers others read, with the answer. */
export interface AnswersByStage {
  file_distribution: { bytes: number; sha256: string };
  denoise: DenoiseResponse;
  ivr: IvrResponse;
  lid: LidResponse;
  /** As JSON has it. */
  triaging: LoggedTriage;
  stt: SttResponse;
  llm1: Llm1Response;
  llm2: Llm2Response;
}
export type AnsweringStage = keyof AnswersByStage;

/** An answer with the event that holds it. */
export interface Recorded<Answer> {
  /** null when the database has refused the event. */
  eventId: number | null;
  answer: Answer;
  /** Of the event. */
  metadata: Json;
}

/** Answers read at once: so many that they take about so many characters, as far as the last ones tell. */
const MOST_AT_ONCE = 500;
const FIRST_AT_ONCE = 20;
const CHARACTERS_AT_ONCE = 1_000_000;

export class Answers {
  /** Recordings that have changed between runs, each with the event that says so last, as far as they were read. */
  changes: ReadonlyMap<string, number> = new Map();
  /** Recordings that had another call, or none, in an earlier run: their results have to be stored again. */
  moved: ReadonlyMap<string, number> = new Map();
  readonly #store: Store;
  readonly #batchId: number;
  readonly #persist: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #translations = new Map<string, (response: Json) => unknown>();
  /** Answers that the log holds cut, and this run alone knows whole; by stage and file. */
  readonly #tooLarge = new Map<string, unknown>();
  readonly #reading = new Together<{ stage: string; name: string }, Recorded<unknown> | null>({
    work: (wanted) => this.#readTogether(wanted),
    most: FIRST_AT_ONCE,
  });

  /** `persist` waits while the database is away. */
  constructor(store: Store, batchId: number, persist: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#store = store;
    this.#batchId = batchId;
    this.#persist = persist;
  }

  /** How a response of this stage that the log holds is read. */
  translate(stage: string, answerFrom: (response: Json) => unknown): void {
    this.#translations.set(stage, answerFrom);
  }

  /** Keeps an answer that the log cannot hold whole. */
  keep(stage: string, name: string, answer: unknown): void {
    this.#tooLarge.set(key(stage, name), answer);
  }

  /** Reads what `changes` and `moved` hold: the log must have all that was logged. From then on only answers after a change count. */
  async readChanges(): Promise<void> {
    this.changes = await this.#persist(() => this.#store.changes(this.#batchId, "file_distribution"));
    this.moved = await this.#persist(() => this.#store.changes(this.#batchId, "calls"));
  }

  /** Whether an answer is about the file as it is now. */
  #counts(name: string, eventId: number): boolean {
    return eventId > (this.changes.get(name) ?? 0);
  }

  /** The answer about one file or trade; null when the stage has not done it. */
  async of<S extends AnsweringStage>(stage: S, name: string): Promise<Recorded<AnswersByStage[S]> | null> {
    if (this.#tooLarge.has(key(stage, name))) {
      for await (const [, recorded] of this.each(stage, [name])) return recorded;
      return null;
    }
    return (await this.#reading.add({ stage, name })) as Recorded<AnswersByStage[S]> | null;
  }

  async #readTogether(wanted: readonly { stage: string; name: string }[]): Promise<(Recorded<unknown> | null)[]> {
    const found = new Map<string, Recorded<unknown>>();
    for (const stage of new Set(wanted.map((one) => one.stage))) {
      const names = wanted.flatMap((one) => (one.stage === stage ? [one.name] : []));
      const page = await this.#persist(() => this.#store.wholeAnswers(this.#batchId, stage, [...new Set(names)]));
      for (const [name, logged] of page) {
        const recorded = this.#read(stage, name, logged);
        if (recorded) found.set(key(stage, name), recorded);
      }
    }
    return wanted.map(({ stage, name }) => found.get(key(stage, name)) ?? null);
  }

  /** The answers about these files or trades, in any order; those that the stage has not done are left out. */
  each<S extends AnsweringStage>(
    stage: S,
    names: Iterable<string>,
  ): AsyncGenerator<[string, Recorded<AnswersByStage[S]>]> {
    return this.any(stage, names) as AsyncGenerator<[string, Recorded<AnswersByStage[S]>]>;
  }

  /** As {@link each}, for whichever stage. */
  async *any(stage: string, names: Iterable<string>): AsyncGenerator<[string, Recorded<unknown>]> {
    const wanted = new Set(names);
    const kept = [...wanted].filter((name) => this.#tooLarge.has(key(stage, name)));
    const cut = await this.#persist(() => this.#store.cutAnswers(this.#batchId, stage, kept));
    for (const name of kept) {
      wanted.delete(name);
      const answer = this.#tooLarge.get(key(stage, name));
      yield [name, { eventId: cut.get(name) ?? null, answer, metadata: null }];
    }
    const size = new PageSize();
    let left = [...wanted];
    while (left.length > 0) {
      const part = left.slice(0, size.next);
      left = left.slice(part.length);
      const page = await this.#persist(() => this.#store.wholeAnswers(this.#batchId, stage, part));
      size.measure([...page.values()]);
      for (const [name, logged] of page) {
        const recorded = this.#read(stage, name, logged);
        if (recorded) yield [name, recorded];
      }
    }
  }

  /** The answers about all files or trades of a stage that the log holds, by name, page by page. */
  async *all(stage: string): AsyncGenerator<[string, Recorded<unknown>][]> {
    const size = new PageSize();
    for (let after: string | null = null; ;) {
      const page: Page<CompletedFile & Logged> = await this.#answersAfter(stage, after, size.next);
      size.measure(page.files);
      yield page.files.flatMap((logged): [string, Recorded<unknown>][] => {
        const recorded = this.#read(stage, logged.fileName, logged);
        return recorded ? [[logged.fileName, recorded]] : [];
      });
      if (page.next === null) return;
      after = page.next;
    }
  }

  #answersAfter(stage: string, after: string | null, limit: number): Promise<Page<CompletedFile & Logged>> {
    return this.#persist(() => this.#store.answersPage(this.#batchId, stage, after, limit));
  }

  #read(stage: string, name: string, { eventId, response, metadata }: Logged): Recorded<unknown> | null {
    if (!this.#counts(name, eventId)) return null;
    const answerFrom = this.#translations.get(stage) ?? objectIn;
    const answer = answerFrom(response);
    return answer === undefined ? null : { eventId, answer, metadata };
  }

  /** Ids of the events that hold the answers about these files or trades; those that the stage has not done are left out. */
  async ids(stage: AnsweringStage, names: readonly string[]): Promise<Map<string, number>> {
    const kept = names.filter((name) => this.#tooLarge.has(key(stage, name)));
    const found = await this.#persist(() => this.#store.cutAnswers(this.#batchId, stage, kept));
    for (let start = 0; start < names.length; start += MOST_AT_ONCE) {
      const part = names.slice(start, start + MOST_AT_ONCE);
      const ids = await this.#persist(() => this.#store.answerIds(this.#batchId, stage, part));
      for (const [name, id] of ids) if (this.#counts(name, id)) found.set(name, id);
    }
    return found;
  }

  /** The files or trades that the log says are done in this stage, by name, page by page. */
  async *completed(stage: string): AsyncGenerator<CompletedFile[]> {
    for (let after: string | null = null; ;) {
      const page: Page<CompletedFile> = await this.#completedAfter(stage, after);
      yield page.files.filter(({ fileName, eventId }) => this.#counts(fileName, eventId));
      if (page.next === null) return;
      after = page.next;
    }
  }

  #completedAfter(stage: string, after: string | null): Promise<Page<CompletedFile>> {
    return this.#persist(() => this.#store.completedPage(this.#batchId, stage, after));
  }
}

/** How many answers are read at once: fewer of the long ones. */
class PageSize {
  next = FIRST_AT_ONCE;
  /** So many of the last ones would have fitted; none tell nothing. */
  #fitting = MOST_AT_ONCE;

  measure(answers: readonly Logged[]): void {
    const characters = answers.reduce((sum, { length }) => sum + length, 1);
    if (answers.length > 0) this.#fitting = Math.floor((CHARACTERS_AT_ONCE * answers.length) / characters);
    this.next = Math.max(1, Math.min(MOST_AT_ONCE, this.#fitting, 2 * this.next));
  }
}

/** Every answer is an object. What another writer has logged in its place is none. */
function objectIn(response: Json): Json | undefined {
  return typeof response === "object" && response !== null && !Array.isArray(response) ? response : undefined;
}

function key(stage: string, name: string): string {
  return `${stage}\0${name}`;
}
