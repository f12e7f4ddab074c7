/** `cofi verify`: what was recorded is as it was written, or what is not. The exit code is 1 when something is not. */
import { verifyAccessLog } from "@cofi/access/verify-log";
import type { ChainEnd } from "@cofi/event-log/kept-outside";
import { verifyPack } from "@cofi/pack/verify";
import { sealEndsIn, trustedKeys, type VerifyingKey } from "@cofi/evidence/seal-keys";
import { verifySeals, type Verified, type VerifiedBatch } from "@cofi/evidence/verify-seals";
import { dataDir, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber, namedBatch } from "../named-batch.js";
import { print, printable } from "../print.js";

const MOST_SHOWN = 100;

export interface VerifyOptions {
  /** true: all. */
  batch?: string | true;
  accessLog?: true;
  end?: string;
  key: readonly string[];
}

export async function verifyCommand(pack: string | undefined, options: VerifyOptions): Promise<void> {
  const noted = options.end === undefined ? null : endIn(options.end);
  if (pack !== undefined && options.accessLog === undefined && options.batch === undefined && noted === null)
    await packAt(pack, options);
  else if (pack !== undefined)
    throw new CommandError("A pack is verified alone: `cofi verify <pack>`, with or without --key.", EXIT.usage);
  else if (options.accessLog === true && options.batch === undefined) await accessLog(noted);
  else if (options.batch !== undefined && options.accessLog !== true) await seals(options, noted);
  else
    throw new CommandError(
      "Say what to verify: `cofi verify <pack>`, `cofi verify --batch 7`, `cofi verify --batch` for all batches, or `cofi verify --access-log`.",
      EXIT.usage,
    );
}

/** The folder's keys and those of `--key`. @throws CommandError */
function keysOf({ key }: Pick<VerifyOptions, "key">): Map<string, VerifyingKey> {
  try {
    return trustedKeys(dataDir(), key);
  } catch (error) {
    throw new CommandError((error as Error).message, EXIT.usage);
  }
}

async function seals(options: VerifyOptions, noted: ChainEnd | null): Promise<void> {
  const keys = keysOf(options);
  const number = options.batch === true ? undefined : batchNumber(options.batch);
  const faults = new Faults();
  const { batches, end, notedEnds } = await withStore(async (store, database): Promise<Verified> => {
    const verified = await verifySeals(database, {
      keys,
      ends: sealEndsIn(dataDir()),
      written: noted,
      batchId: number,
      onFault: ({ says }) => faults.say(says),
    });
    const [only] = verified.batches;
    if (number !== undefined && only?.seals === 0) await namedBatch(store, number);
    return verified;
  });
  for (const batch of batches) console.log(inWords(batch));
  if (faults.areAny()) return;
  if (end === null) {
    console.log("There are no seals yet: a batch is sealed when it ends.");
    return;
  }
  console.log(`The chain of ${counted(end.seq, "seal")} is as it was written.`);
  if (notedEnds === 0 && !noted)
    console.log("Nothing was noted on this machine about its end, so seals may be missing there.");
  console.log(`Its end, to be noted elsewhere (\`cofi verify --batch --end …\` looks for it): ${end.seq}:${end.hash}`);
}

async function packAt(path: string, options: VerifyOptions): Promise<void> {
  const keys = keysOf(options);
  // Whoever names a key wants to hear that it was not this one.
  const verifying = verifyPack(path, keys, options.key.length > 0);
  const { faults, manifest, key, events } = await verifying.catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandError(`${path} cannot be read: ${message}.`, EXIT.usage);
  });
  const found = new Faults();
  for (const fault of faults) found.say(fault);
  if (found.areAny() || !manifest || !key || !events) return;
  const { tradeId, batchId, madeAt, version, files } = manifest;
  print(
    `The pack is as it was made: trade ${tradeId} of batch ${batchId}, ${counted(files.length, "file")}, ${madeAt}, Cofi ${version}.`,
  );
  const { sealed, pruned } = events;
  console.log(
    sealed === events.events
      ? `All ${counted(sealed, "event")} are proven by the seals of the batch${pruned > 0 ? `, ${pruned} of them without the payloads that retention had removed` : ""}.`
      : `${sealed} of ${counted(events.events, "event")} are proven by seals of the batch; the others came later, or the batch had not ended.`,
  );
  console.log(
    key.isKnown
      ? `It is signed with the key ${key.id}, which is known here.`
      : `It is signed with the key ${key.id}, which came with the pack: compare it with the key that you were given, or name that one with --key.`,
  );
}

function inWords({ batchId, state, seals: number, events, pruned, late }: VerifiedBatch): string {
  if (state === "removed")
    return `Batch ${batchId}: retention has removed its events; ${counted(number, "seal")} of it are kept.`;
  if (state === "unsealed") return `Batch ${batchId}: not sealed. A batch is sealed when it ends.`;
  const removed = pruned === 0 ? "" : `; of ${pruned.toLocaleString("en")} retention has removed payloads or responses`;
  const after =
    late === null
      ? ""
      : `; ${counted(late.events, "event")} came after it was sealed, from event ${late.firstId} on, and nothing proves them`;
  return `Batch ${batchId}: ${counted(events, "event")} in ${counted(number, "seal")}${removed}${after}.`;
}

async function accessLog(noted: ChainEnd | null): Promise<void> {
  const { entries, end, faults, notedEnds } = await withStore((_store, database) =>
    verifyAccessLog(database, dataDir(), noted),
  );
  const found = new Faults();
  for (const { says } of faults) found.say(says);
  if (found.areAny()) return;
  console.log(
    `The access log is as it was written: ${entries === 1 ? "1 entry" : `${entries.toLocaleString("en")} entries`}.`,
  );
  if (notedEnds === 0 && end && !noted)
    console.log("Nothing was noted on this machine about its end, so entries may be missing there.");
  if (end)
    console.log(
      `Its end, to be noted elsewhere (\`cofi verify --access-log --end …\` looks for it): ${end.seq}:${end.hash}`,
    );
}

/** Says the first faults, and how many more there are. */
class Faults {
  #count = 0;

  say(sentence: string): void {
    if (++this.#count <= MOST_SHOWN) console.error(printable(sentence));
  }

  /** Ends the command with 1 when there are some. */
  areAny(): boolean {
    if (this.#count > MOST_SHOWN) console.error(`… and ${(this.#count - MOST_SHOWN).toLocaleString("en")} more.`);
    if (this.#count > 0) process.exitCode = EXIT.failed;
    return this.#count > 0;
  }
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function endIn(text: string): ChainEnd {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined)
    throw new CommandError("--end takes what an earlier `cofi verify` has printed, such as 17:0a5b….", EXIT.usage);
  return { seq: Number(seq), hash };
}
