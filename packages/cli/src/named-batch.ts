/** Which batch a command is about: the one that `--batch` names, or the newest. */
import { wholeNumber } from "@cofi/event-log/environment";
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { CommandError, EXIT } from "./exit.js";

/** The number in `--batch`; undefined when it was not given. @throws CommandError */
export function batchNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = wholeNumber(text, 1, Number.MAX_SAFE_INTEGER);
  if (number === null)
    throw new CommandError(`--batch takes the number of a batch, not ${JSON.stringify(text)}.`, EXIT.usage);
  return number;
}

/** The batch of this number, or the newest. @throws CommandError when there is none */
export async function namedBatch(store: Store, number: number | undefined): Promise<Batch> {
  const batch = number === undefined ? await store.currentBatch() : await store.batch(number);
  if (batch) return batch;
  throw new CommandError(
    number === undefined
      ? "There is no batch yet. Start one with `npx cofi run <folder>`."
      : `There is no batch ${number}.`,
    EXIT.usage,
  );
}
