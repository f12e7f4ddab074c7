/** Reads the seals and the events that they are of, and says where these are not what they were when their batch ended. */
import type { Database } from "@cofi/event-log/database";
import type { ChainEnd, NotedEnds } from "@cofi/event-log/kept-outside";
import { FORM } from "./canonical.js";
import type { VerifyingKey } from "./keys.js";
import { eventsIn, partSha256, PartsHash, sha256Hex, type SealedEvent, type SealPart } from "./parts.js";
import { SealReader } from "./seal-reader.js";
import { sealedRows } from "./sealed-rows.js";
import { faultOfSeal, NO_SEAL, type Seal } from "./statement.js";
import { compare } from "./verify-rows.js";

export interface SealFault {
  /** 0: of the whole chain. */
  batchId: number;
  /** null when it is not of one event. */
  eventId: number | null;
  /** A sentence. */
  says: string;
}

export interface VerifiedBatch {
  batchId: number;
  /** unsealed: it has not ended in a version that seals · removed: retention has removed its events */
  state: "sealed" | "unsealed" | "removed";
  seals: number;
  /** Events that are sealed. */
  events: number;
  /** Sealed events whose bodies retention has removed; what is left of them is proven. */
  pruned: number;
  /** Events that came after the last seal, which no seal proves. */
  late: { events: number; firstId: number } | null;
}

export interface VerifyOptions {
  /** By which seals may be signed. */
  keys: ReadonlyMap<string, VerifyingKey>;
  ends: NotedEnds;
  /** An end that was written down elsewhere, which must still be there as it was. */
  written?: ChainEnd | null;
  /** All batches when it is left out. */
  batchId?: number | undefined;
  onFault: (fault: SealFault) => void;
}

export interface Verified {
  batches: VerifiedBatch[];
  /** Of all seals; null when there are none. */
  end: ChainEnd | null;
  /** How many ends of the chain were noted in the folder. Without any, nothing says that seals are missing at the end. */
  notedEnds: number;
}

/** @throws DatabaseUnavailableError */
export async function verifySeals(database: Database, options: VerifyOptions): Promise<Verified> {
  const reader = new SealReader(database);
  const chain = await verifyChain(reader, options);
  const ids = options.batchId === undefined ? await reader.batchIds([...chain.ofBatch.keys()]) : [options.batchId];
  const batches: VerifiedBatch[] = [];
  for (const batchId of ids)
    batches.push(await verifyBatch(database, reader, batchId, chain.ofBatch.get(batchId) ?? [], options));
  return { batches, end: chain.end, notedEnds: chain.notedEnds };
}

async function verifyChain(
  reader: SealReader,
  { keys, ends, written, onFault }: VerifyOptions,
): Promise<{ ofBatch: Map<number, Seal[]> } & Omit<Verified, "batches">> {
  const databaseId = await reader.databaseId();
  // Before the chain is read: what is noted later may be of a seal that was not there yet.
  const noted = await ends.of(databaseId);
  const notedEnds = noted.ends.size;
  if (written) noted.ends.set(written.seq, [...(noted.ends.get(written.seq) ?? []), written.hash]);
  const ofBatch = new Map<number, Seal[]>();
  let last: ChainEnd = { seq: 0, hash: NO_SEAL };
  for await (const seal of reader.seals()) {
    const fault = (says: string): void => onFault({ batchId: seal.batchId, eventId: null, says });
    const expected = last.seq + 1;
    if (seal.seq !== expected)
      fault(
        seal.seq === expected + 1
          ? `Seal ${expected} is missing.`
          : `Seals ${expected} to ${seal.seq - 1} are missing.`,
      );
    else if (seal.previousHash !== last.hash)
      fault(`Seal ${seal.seq} does not follow from seal ${last.seq}: one of the two was changed.`);
    const own = faultOfSeal(databaseId, seal, keys.get(seal.keyId));
    if (own !== null) fault(own);
    if (noted.ends.get(seal.seq)?.some((hash) => hash !== seal.hash))
      fault(`Seal ${seal.seq} has another hash than was noted when it was made.`);
    noted.ends.delete(seal.seq);
    ofBatch.set(seal.batchId, [...(ofBatch.get(seal.batchId) ?? []), seal]);
    last = { seq: seal.seq, hash: seal.hash };
  }
  for (const seq of noted.ends.keys())
    onFault({ batchId: 0, eventId: null, says: `Seal ${seq} was noted when it was made, and is not there any more.` });
  if (last.seq > 0 && notedEnds === 0 && noted.hasOthers)
    onFault({
      batchId: 0,
      eventId: null,
      says: "No seal of this database was noted on this machine, but seals of another one were: this is another database, or says that it is.",
    });
  return { ofBatch, end: last.seq === 0 ? null : last, notedEnds };
}

async function verifyBatch(
  database: Database,
  reader: SealReader,
  batchId: number,
  seals: readonly Seal[],
  { onFault }: VerifyOptions,
): Promise<VerifiedBatch> {
  const found = { batchId, seals: seals.length, events: 0, pruned: 0, late: null };
  const presence = await reader.presenceOf(batchId);
  if (presence.is === "removed") return { ...found, state: "removed" };
  if (presence.is === "missing") {
    if (seals.length > 0)
      onFault({
        batchId,
        eventId: null,
        says: `Batch ${batchId} is missing with its events, and retention has not removed it.`,
      });
    return { ...found, state: "unsealed" };
  }
  if (seals.length === 0) return { ...found, state: "unsealed" };
  const verifying = new BatchVerifying(database, reader, batchId, presence.prunedTo, onFault);
  for (const seal of seals) await verifying.take(seal);
  const { events, pruned } = verifying;
  return { ...found, state: "sealed", events, pruned, late: await reader.lateEvents(batchId, verifying.end) };
}

class BatchVerifying {
  events = 0;
  pruned = 0;
  /** Id up to which events are sealed. */
  end = 0;
  readonly #database: Database;
  readonly #reader: SealReader;
  readonly #batchId: number;
  readonly #prunedTo: number;
  readonly #onFault: (fault: SealFault) => void;
  /** The events that are missing one after the other, said together. */
  #missing: { first: number; last: number; events: number } | null = null;

  constructor(
    database: Database,
    reader: SealReader,
    batchId: number,
    prunedTo: number,
    onFault: (fault: SealFault) => void,
  ) {
    this.#database = database;
    this.#reader = reader;
    this.#batchId = batchId;
    this.#prunedTo = prunedTo;
    this.#onFault = onFault;
  }

  async take(seal: Seal): Promise<void> {
    const { seq, form, afterId, lastId, rowsSha256 } = seal;
    if (form !== FORM) {
      this.#fault(
        null,
        `Seal ${seq} has the form ${form}, which this version does not know. Use a newer version of Cofi.`,
      );
      return;
    }
    if (afterId !== this.end)
      this.#fault(
        null,
        `Seal ${seq} begins after event ${afterId}, and the seal before it ends with event ${this.end}.`,
      );
    const hash = new PartsHash();
    let from = afterId;
    for await (const part of this.#reader.parts(this.#batchId, { after: afterId, upTo: lastId })) {
      hash.add(part);
      await this.#part(part, from);
      from = Math.max(from, part.lastId);
    }
    await this.#compareRows([], from, lastId);
    this.#sayMissing();
    if (hash.digest() !== rowsSha256)
      this.#fault(
        null,
        `What the database holds of seal ${seq} (batchSealPart) is not what was signed: it was changed, or a part of it is missing. ` +
          "What is said of its events may be wrong.",
      );
    this.end = lastId;
  }

  async #part(part: SealPart, from: number): Promise<void> {
    const which = `The part of the seal from event ${part.firstId} on (batchSealPart)`;
    if (partSha256(sha256Hex(part.digests), sha256Hex(part.checks)) !== part.sha256)
      this.#fault(null, `${which} was changed.`);
    const events = eventsIn(part);
    if (events === null) this.#fault(null, `${which} cannot be read, so nothing proves its events.`);
    else await this.#compareRows(events, from, Math.max(from, part.lastId));
  }

  /** Those of a part with the rows that stand in its place. */
  async #compareRows(sealed: readonly SealedEvent[], after: number, upTo: number): Promise<void> {
    let place = 0;
    for await (const rows of sealedRows(this.#database, this.#batchId, { after, upTo }))
      for (const row of rows) {
        for (; place < sealed.length && sealed[place]!.id < row.id; place++) this.#isMissing(sealed[place]!.id);
        const event = sealed[place];
        if (event?.id !== row.id) {
          this.#fault(
            row.id,
            `Event ${row.id} lies among sealed events and was not there when they were sealed: it was put in, or a transaction that was ` +
              "open then has committed it later.",
          );
          continue;
        }
        place += 1;
        this.events += 1;
        this.#sayMissing();
        const compared = compare(row, event, this.#prunedTo);
        if (compared.is === "pruned") this.pruned += 1;
        if (compared.is === "changed") this.#fault(row.id, changed(row.id, compared.columns));
      }
    for (; place < sealed.length; place++) this.#isMissing(sealed[place]!.id);
  }

  #isMissing(id: number): void {
    this.events += 1;
    const missing = this.#missing;
    this.#missing = { first: missing?.first ?? id, last: id, events: (missing?.events ?? 0) + 1 };
  }

  #sayMissing(): void {
    if (this.#missing === null) return;
    const { first, last, events } = this.#missing;
    this.#missing = null;
    this.#fault(
      first,
      events === 1
        ? `Event ${first} is missing: it was removed, or its id or its batch was changed.`
        : `${events} events, from ${first} to ${last}, are missing: they were removed, or their ids or their batch were changed.`,
    );
  }

  #fault(eventId: number | null, says: string): void {
    this.#onFault({ batchId: this.#batchId, eventId, says });
  }
}

function changed(id: number, columns: readonly string[]): string {
  if (columns.length === 0) return `Event ${id} was changed, in which column cannot be told.`;
  return `Event ${id} was changed in ${columns.join(", ")}.`;
}
