/** What the log says that earlier runs did of a stage, so that it is not done again. */
import { CHANGED } from "@cofi/event-log/event-metadata";
import type { Json } from "@cofi/event-log/events";
import type { WorkName } from "@cofi/event-log/stages";
import type { BatchContext } from "./context.js";
import type { StageWork, Unit } from "./stage.js";

export interface Remainder {
  /** Units without an answer that still fits. */
  todo: Unit[];
  /** How many units are done. */
  done: number;
}

export interface ResumeOptions {
  name: WorkName;
  work: StageWork<Unit, unknown>;
  context: BatchContext;
  /** Takes an answer; false when the unit has failed by it. */
  accept: (unit: Unit, answer: unknown, metadata: Json) => boolean | Promise<boolean>;
}

/**
 * Divides the units. Answers are read only where the stage has to look at them: those of a stage that takes them as they are stay
 * in the log, however many and long they are.
 */
export async function remainderOf(units: readonly Unit[], options: ResumeOptions): Promise<Remainder> {
  const { name, work, context } = options;
  const todo = new Map(units.map((unit) => [unit.name, unit]));
  if (work.accept || work.isStale) return { done: await readBack(todo, options), todo: [...todo.values()] };
  /** Logged by other services, or stored under another call. */
  const unstored: Unit[] = [];
  for await (const files of context.answers.completed(name)) {
    context.signal.throwIfAborted();
    for (const { fileName, isOfRun } of files) {
      const unit = todo.get(fileName);
      if (!unit) continue;
      todo.delete(fileName);
      if (!isOfRun || context.answers.moved.has(fileName)) unstored.push(unit);
    }
  }
  if (work.store && unstored.length > 0) context.beside.add(restore(unstored, options));
  return { todo: [...todo.values()], done: units.length - todo.size };
}

/** Takes the units that are done out of `todo`. @returns how many have not failed by it */
async function readBack(todo: Map<string, Unit>, { name, work, context, accept }: ResumeOptions): Promise<number> {
  let done = 0;
  for await (const page of context.answers.all(name)) {
    context.signal.throwIfAborted();
    for (const [fileName, { answer, metadata }] of page) {
      const unit = todo.get(fileName);
      if (!unit) continue;
      const isStale = work.isStale?.(unit, answer, metadata) ?? false;
      if (typeof isStale === "boolean" ? isStale : await isStale) {
        const said = { fileName, metadata: CHANGED };
        await context.logger.info(name, "Changed since an earlier run: done again", said);
        continue;
      }
      todo.delete(fileName);
      const isAccepted = accept(unit, answer, metadata);
      // Not awaited where there is nothing to wait for: a hundred thousand turns would take as long as all the rest.
      if (typeof isAccepted === "boolean" ? isAccepted : await isAccepted) done += 1;
    }
  }
  return done;
}

/** Stores the results of answers that other services logged (only a run of ours stores them before it says that a unit is done), or that moved. */
async function restore(units: readonly Unit[], { name, work, context }: ResumeOptions): Promise<void> {
  const unreadable = new Map(units.map((unit) => [unit.name, unit]));
  for await (const [fileName, { answer }] of context.answers.any(name, unreadable.keys())) {
    context.signal.throwIfAborted();
    await work.store?.(unreadable.get(fileName)!, answer);
    unreadable.delete(fileName);
  }
  const error = "The answer that the log holds cannot be read; the next run asks again.";
  for (const fileName of unreadable.keys()) await context.logger.fileError(name, fileName, { error });
}
