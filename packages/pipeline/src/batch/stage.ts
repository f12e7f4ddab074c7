/**
 * What a stage is. It declares what it reads of the batch, is made once for each run of a batch, and then says what it works
 * on, what it asks and what it does with the answer. The runner does the rest: timing, retries, logging, resuming.
 */
import type { Json } from "@cofi/event-log/events";
import type { WorkName } from "@cofi/event-log/stages";
import type { EngineError } from "../hosts/engine-error.js";
import type { EngineHost } from "../runtime/runtime.js";
import type { Reads, StageContext } from "./context.js";

export interface Stage {
  readonly name: WorkName;
  /** What it reads of what earlier stages left. */
  readonly reads: readonly Reads[];
  /** It needs nothing of other files: a file can enter it as soon as the stage before is done with that one. */
  readonly followsFiles?: boolean;
  /** For one run of a batch. */
  create(context: StageContext<Reads>): StageWork<Unit, unknown>;
}

/** `name` is the `fileName` of its events: a recording, a CSV file, a trade. */
export interface Unit {
  name: string;
}

interface Plan<U extends Unit> {
  units: readonly U[];
  /** Recordings that came this far and are no business of this stage, with the reason: it and all later ones leave them out. */
  skipped?: readonly { name: string; reason: string }[];
}

/** Why a unit is left out, as a sentence without its point. */
export class LeftOut {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** What was answered, and what the log keeps of it: the body as it came, where that is more than the answer. */
export interface Asked<Answer> {
  answer: Answer;
  response: unknown;
}

export interface StageWork<U extends Unit, Answer> {
  /** An engine of the runtime, or `ask` by itself. */
  answeredBy: "engine" | "this process";
  /** Once, on every run of the batch, also where all units are done. */
  plan(): Promise<Plan<U>>;
  /**
   * Whether an answer that the log holds no longer fits, because what it was about has changed since. The unit is then
   * asked again; of a recording, file_distribution says so, and what later stages were answered before counts no more.
   * `metadata`: of the event that holds the answer.
   */
  isStale?(unit: U, answer: Answer, metadata: Json): boolean | Promise<boolean>;
  /** The full request, as it is sent and logged; or why the unit turns out to be no business of this stage, now that its turn has come. */
  payload(unit: U, host: EngineHost | null): Json | LeftOut | Promise<Json | LeftOut>;
  /**
   * Gives the host what it needs, before it is asked: recordings take a time of their own. `signal` as in `ask`.
   * @throws EngineError
   */
  prepare?(unit: U, payload: Json, host: EngineHost | null, signal: AbortSignal): Promise<void>;
  /** Does the work. Throws what the runner understands: an `EngineError` says whether another attempt may help. */
  ask(unit: U, payload: Json, host: EngineHost | null, signal: AbortSignal, again: AskAgain): Promise<Asked<Answer>>;
  /** An attempt is over, whatever became of it: what was kept for its payload, which may not have been asked, is needed no more. */
  over?(payload: Json): Promise<void>;
  /** The answer in a response that the log holds; default the response itself. undefined: none that can be used, ask again. */
  answerFrom?(response: Json): Answer | undefined;
  /** Stores the results of an answer before the log says that the unit is done: must be idempotent. An error fails the unit. */
  store?(unit: U, answer: Answer): Promise<void>;
  /** What the event that says that the unit is done keeps beside the answer. */
  metadata?(unit: U, host: EngineHost | null, answer: Answer): { [key: string]: Json } | undefined;
  /** The key of the host on which what the stage works on lies, as far as it is known: that one is asked first. */
  liesOn?(fileName: string): string | undefined;
  /**
   * Takes an answer, fresh or read back from the log, on every run: must be quick and idempotent. An error fails the unit.
   * `metadata`: of the event that holds it.
   */
  accept?(unit: U, answer: Answer, metadata: Json): void | Promise<void>;
  /** The unit goes no further: it has failed for good, or was left out. */
  dropped?(unit: U): void;
  /** Once after the units, on every run of the batch. */
  finish?(): Promise<void>;
}

/**
 * Logs, within one attempt, that a request was refused and that `payload` is now asked in its place: the log holds each
 * request that went over the wire, and what came back.
 */
export type AskAgain = (
  refused: EngineError,
  payload: Json,
  /** What the next request's event keeps; found out by this, such as by giving the host what it lacks. */
  provide: () => Promise<{ [key: string]: Json }>,
) => Promise<void>;

/** Ties what a stage reads to what its context offers: nothing else can be read. */
export function defineStage<const R extends Reads, U extends Unit, Answer>(
  name: WorkName,
  reads: readonly R[],
  create: (context: StageContext<R>) => StageWork<U, Answer>,
): Stage {
  return { name, reads, create: create as unknown as Stage["create"] };
}

/** The log keeps the answer itself. */
export async function asIs<Answer>(answer: Answer | Promise<Answer>): Promise<Asked<Answer>> {
  const value = await answer;
  return { answer: value, response: value };
}
