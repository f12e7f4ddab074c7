/** What earlier stages were answered, read from the log when it is needed: no run holds all of it in memory. */
import type { Json } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
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
}

/** Answers read at once. */
const PAGE = 50;

export class Answers {
  readonly #store: Store;
  readonly #batchId: number;
  readonly #persist: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #translations = new Map<string, (response: Json) => unknown>();
  /** Answers that the log holds cut, and this run alone knows whole; by stage and file. */
  readonly #tooLarge = new Map<string, unknown>();

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

  /** The answer about one file or trade; null when the stage has not done it. */
  async of<S extends AnsweringStage>(stage: S, name: string): Promise<Recorded<AnswersByStage[S]> | null> {
    return (await this.#page(stage, [name])).get(name) ?? null;
  }

  /** The answers about these files or trades, in their order; those that the stage has not done are left out. */
  async *each<S extends AnsweringStage>(
    stage: S,
    names: Iterable<string>,
  ): AsyncGenerator<[string, Recorded<AnswersByStage[S]>]> {
    const all = [...names];
    for (let start = 0; start < all.length; start += PAGE) {
      const page = all.slice(start, start + PAGE);
      const found = await this.#page(stage, page);
      for (const name of page) {
        const recorded = found.get(name);
        if (recorded) yield [name, recorded];
      }
    }
  }

  /** As {@link each}, for the stage itself, whichever it is. */
  any(stage: string, names: Iterable<string>): AsyncGenerator<[string, unknown]> {
    return this.#answersOnly(stage, names);
  }

  async *#answersOnly(stage: string, names: Iterable<string>): AsyncGenerator<[string, unknown]> {
    for await (const [name, { answer }] of this.each(stage as AnsweringStage, names)) yield [name, answer];
  }

  async #page<S extends AnsweringStage>(
    stage: S,
    names: readonly string[],
  ): Promise<Map<string, Recorded<AnswersByStage[S]>>> {
    const stored = await this.#persist(() => this.#store.answers(this.#batchId, stage, names));
    const large = names.filter((name) => this.#tooLarge.has(key(stage, name)));
    const cut = await this.#persist(() => this.#store.cutAnswers(this.#batchId, stage, large));
    const answerFrom = this.#translations.get(stage) ?? objectIn;
    const found = new Map<string, Recorded<AnswersByStage[S]>>();
    for (const name of names) {
      const recorded = stored.get(name);
      const kept = this.#tooLarge.get(key(stage, name));
      if (kept !== undefined) found.set(name, { eventId: cut.get(name) ?? null, answer: kept as AnswersByStage[S] });
      else if (recorded) {
        const answer = answerFrom(recorded.response) as AnswersByStage[S] | undefined;
        if (answer !== undefined) found.set(name, { eventId: recorded.eventId, answer });
      }
    }
    return found;
  }
}

/** Every answer is an object. What another writer has logged in its place is none. */
function objectIn(response: Json): Json | undefined {
  return typeof response === "object" && response !== null && !Array.isArray(response) ? response : undefined;
}

function key(stage: string, name: string): string {
  return `${stage}\0${name}`;
}
