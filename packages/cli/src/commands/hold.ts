/** `cofi hold`, `cofi release`, `cofi holds`: what retention must not remove. */
import { wholeNumber } from "@cofi/event-log/environment";
import { HOLD_SCOPES, type HoldScope } from "@cofi/event-log/held";
import { HoldRefusedError, Holds, holdInWords, type HoldSubject } from "@cofi/evidence/holds";
import { accessLogOf, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber } from "../named-batch.js";
import { print } from "../print.js";
import { byThisUser } from "../this-user.js";

export async function holdCommand(
  scope: string,
  subject: string,
  options: { batch?: string; reason: string },
): Promise<void> {
  const held = subjectOf(scope, subject, options.batch);
  await withHolds(async (holds, note) => {
    await holds.assertThere(held);
    await note("hold", held, "");
    const { number, payloadsRemovedAt } = await holds.hold(held, by(options.reason));
    print(
      `Hold ${number}: retention removes nothing of ${holdInWords(held, held.subject)} until \`cofi release ${number}\`.`,
    );
    if (payloadsRemovedAt !== null)
      print(`It has removed payloads, transcripts and recordings of the batch before, at ${payloadsRemovedAt}.`);
  });
}

export async function releaseCommand(text: string, options: { reason: string }): Promise<void> {
  const number = numberIn(text, "release takes the number of a hold");
  await withHolds(async (holds, note) => {
    const hold = await holds.inForce(number);
    await note("release", hold, `hold ${number}, of `);
    await holds.release(number, by(options.reason));
    print(`Hold ${number} is released: retention removes ${holdInWords(hold, hold.subject)} at its age.`);
  });
}

/** Whoever can read the database sees whom and why. */
export async function holdsCommand(options: { batch?: string; released?: true }): Promise<void> {
  await withHolds(async (holds) => {
    const all = await holds.list({ batchId: batchNumber(options.batch), released: options.released === true });
    if (all.length === 0) print("Nothing is held.");
    for (const { number, who, at, reason, released, ...held } of all) {
      const whom = held.scope === "batch" ? "" : ` ${held.subject ?? ""}`;
      const where = held.batchId === null ? "in all batches" : `batch ${held.batchId}`;
      const what = held.scope === "batch" ? where : `${held.scope}${whom}, ${where}`;
      const end = released ? `; released by ${released.who} at ${released.at}: ${released.reason}` : "";
      print(`${number}  ${what}  by ${who} at ${at}: ${reason}${end}`);
    }
  });
}

type Note = (action: "hold" | "release", held: HoldSubject, before: string) => Promise<void>;

async function withHolds(work: (holds: Holds, note: Note) => Promise<void>): Promise<void> {
  await withStore(async (_store, database) => {
    const log = accessLogOf(database);
    try {
      // What cannot be noted is neither held nor released.
      await work(new Holds(database), (action, held, before) =>
        log.add(byThisUser(action, `${before}${holdInWords(held, null)}`, held.batchId)),
      );
    } catch (error) {
      if (error instanceof HoldRefusedError) throw new CommandError(error.message, EXIT.failed);
      throw error;
    }
  });
}

function by(reason: string): { who: string; role: string; reason: string } {
  const { who, role } = byThisUser("hold", "");
  const given = reason.trim();
  if (given.length < 3 || given.length > 1_000)
    throw new CommandError("--reason takes why, in 3 to 1,000 characters.", EXIT.usage);
  return { who, role, reason: given };
}

function numberIn(text: string, expected: string): number {
  const number = wholeNumber(text, 1, Number.MAX_SAFE_INTEGER);
  if (number === null) throw new CommandError(`${expected}, not ${JSON.stringify(text)}.`, EXIT.usage);
  return number;
}

function subjectOf(text: string, subject: string, batch: string | undefined): HoldSubject {
  const scope: HoldScope | undefined = HOLD_SCOPES.find((known) => known === text);
  if (!scope) throw new CommandError(`Cannot hold a ${text}; expected ${HOLD_SCOPES.join(", ")}.`, EXIT.usage);
  if (scope === "batch")
    return { scope, batchId: numberIn(subject, "hold batch takes the number of a batch"), subject: null };
  const batchId = batchNumber(batch) ?? null;
  if (batchId === null && scope !== "client")
    throw new CommandError(`Say of which batch the ${scope} is: --batch <id>.`, EXIT.usage);
  return { scope, batchId, subject };
}
