/** Proves the events of a pack by the seals of their batch: they are those that the log had when the batch ended. */
import type { Json } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import { COLUMNS, digestOf, printOf, type SealedRow, type Value } from "@cofi/evidence/canonical-rows";
import { VerifyingKey } from "@cofi/evidence/seal-keys";
import { digestsIn, partSha256, PartsHash, sha256Hex, type PartHead } from "@cofi/evidence/seal-parts";
import { faultOfSeal, type Seal } from "@cofi/evidence/seal-statement";
import { EVENTS, partsName, PUBLIC_KEY, SEALS } from "../manifest.js";
import type { Archive } from "./archive.js";
import { objectIn } from "./read-manifest.js";

export interface ProvenEvents {
  events: number;
  /** Those that a seal proves. */
  sealed: number;
  /** Of them, those whose bodies retention had removed before the pack was made. */
  pruned: number;
}

/** A payload and a response of 16 MB each, in JSON. */
const LONGEST_LINE = 250_000_000;

/** @throws ArchiveError when a file cannot be read */
export async function verifyEvents(
  archive: Archive,
  keys: ReadonlyMap<string, VerifyingKey>,
  faults: string[],
): Promise<ProvenEvents> {
  const own = new VerifyingKey((await archive.bytes(PUBLIC_KEY, LONGEST_LINE)).toString());
  const sealed = new SealedCase(archive, new Map([[own.id, own], ...keys]), faults);
  for await (const line of archive.lines(SEALS, LONGEST_LINE)) await sealed.take(line);
  const proven: ProvenEvents = { events: 0, sealed: 0, pruned: 0 };
  for await (const line of archive.lines(EVENTS, LONGEST_LINE)) {
    const row = rowIn(line);
    proven.events += 1;
    if (!row) {
      faults.push(`A line of ${EVENTS} is no event.`);
      continue;
    }
    const state = sealed.stateOf(row);
    if (state === "same" || state === "pruned") proven.sealed += 1;
    if (state === "pruned") proven.pruned += 1;
    if (state === "changed")
      faults.push(
        `Event ${row.id} in ${EVENTS} is not what was sealed: it was changed in the log before the pack was made.`,
      );
  }
  return proven;
}

interface Bodies {
  payload: string | null;
  response: string | null;
}

/** What the seals of a pack say of its events. */
class SealedCase {
  readonly #archive: Archive;
  readonly #keys: ReadonlyMap<string, VerifyingKey>;
  readonly #faults: string[];
  readonly #digests = new Map<number, string>();
  readonly #bodies = new Map<number, Bodies>();

  constructor(archive: Archive, keys: ReadonlyMap<string, VerifyingKey>, faults: string[]) {
    this.#archive = archive;
    this.#keys = keys;
    this.#faults = faults;
  }

  /** A line of the file of seals. */
  async take(line: string): Promise<void> {
    const { databaseId, seal } = objectIn(parseJson(line)) ?? {};
    const said = sealIn(seal);
    if (!said || typeof databaseId !== "string") {
      this.#faults.push(`A line of ${SEALS} is no seal.`);
      return;
    }
    const fault = faultOfSeal(databaseId, said, this.#keys.get(said.keyId));
    if (fault !== null) this.#faults.push(fault);
    const hash = new PartsHash();
    for await (const part of this.#archive.lines(partsName(said.seq), LONGEST_LINE)) this.#part(part, said, hash);
    if (hash.digest() !== said.rowsSha256)
      this.#faults.push(`The parts of seal ${said.seq} are not those that were signed.`);
  }

  stateOf(row: SealedRow): "unsealed" | "same" | "pruned" | "changed" {
    const digest = this.#digests.get(row.id);
    if (digest === undefined) return "unsealed";
    const print = printOf(row);
    if (print.digest === digest) return "same";
    const known = this.#bodies.get(row.id);
    if (!known) return "changed";
    const bodyOf = (body: "payload" | "response"): string | null =>
      row[body] === null && saysRemoved(row[`${body}Cut`]) ? known[body] : print[body].sha256;
    return digestOf(row, bodyOf("payload"), bodyOf("response")) === digest ? "pruned" : "changed";
  }

  #part(line: string, seal: Seal, hash: PartsHash): void {
    const { digests, checksSha256, bodies, ...head } = objectIn(parseJson(line)) ?? {};
    hash.add(head as unknown as PartHead);
    if (typeof digests !== "string" || typeof checksSha256 !== "string") return;
    const events = partSha256(sha256Hex(digests), checksSha256) === head["sha256"] ? digestsIn(digests) : null;
    if (!events) {
      this.#faults.push(
        `The part of seal ${seal.seq} from event ${JSON.stringify(head["firstId"])} on is not what was sealed.`,
      );
      return;
    }
    for (const { id, digest } of events) this.#digests.set(id, digest);
    for (const one of Array.isArray(bodies) ? bodies : []) {
      const { id, payload = null, response = null } = objectIn(one) ?? {};
      const isKnown = [payload, response].every((text) => text === null || typeof text === "string");
      if (typeof id === "number" && isKnown) this.#bodies.set(id, { payload, response } as Bodies);
    }
  }
}

function sealIn(value: Json | undefined): Seal | null {
  const seal = objectIn(value);
  const texts = ["at", "rowsSha256", "keyId", "previousHash", "hash", "signature"];
  const numbers = ["seq", "form", "batchId", "run", "afterId", "lastId", "events"];
  const isSeal =
    seal !== null &&
    texts.every((name) => typeof seal[name] === "string") &&
    numbers.every((name) => Number.isSafeInteger(seal[name]));
  return isSeal ? (seal as unknown as Seal) : null;
}

function saysRemoved(cut: Value): boolean {
  return typeof cut === "string" && typeof objectIn(parseJson(cut))?.["removedAt"] === "string";
}

/** null when it is none. */
function rowIn(line: string): SealedRow | null {
  const parsed = objectIn(parseJson(line));
  if (typeof parsed?.["id"] !== "number") return null;
  const values = COLUMNS.map((column): [string, Value] => [column, valueIn(parsed[column])]);
  return Object.fromEntries(values) as unknown as SealedRow;
}

function valueIn(value: Json | undefined): Value {
  if (typeof value === "string" || typeof value === "number") return value;
  const bytes = objectIn(value)?.["bytes"];
  return typeof bytes === "string" ? Buffer.from(bytes, "hex") : null;
}
