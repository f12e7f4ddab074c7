/** Reads the access log from its first entry to its last and says where it is not what was written. */
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import type { ChainEnd } from "@cofi/event-log/kept-outside";
import { hashOfRow, NO_HASH } from "./chain.js";
import { endsIn, keysIn, type LogKey } from "./keeper.js";

const PAGE = 1_000;

export interface Verified {
  entries: number;
  /** null for an empty log. */
  end: ChainEnd | null;
  /** What is wrong, each with the number of its entry; 0: of the whole log. */
  faults: { seq: number; says: string }[];
  /** How many of its ends were noted in the folder. Without any, nothing says that entries are missing at the end. */
  notedEnds: number;
}

/**
 * @param folder with the key of each machine that writes the log, and with the ends that this one has noted
 * @param written an end that was written down elsewhere, which must still be in the log as it was
 * @throws DatabaseUnavailableError
 */
export async function verifyAccessLog(
  database: Database,
  folder: string,
  written: ChainEnd | null = null,
): Promise<Verified> {
  const { id } = await reportUnavailable(database, () =>
    database.kysely.selectFrom("databaseIdentity").select("id").executeTakeFirstOrThrow(),
  );
  const keys = keysIn(folder);
  // Before the log is read: what is noted later may be of an entry that was not there yet.
  const { ends, hasOthers } = await endsIn(folder).of(id);
  const notedEnds = ends.size;
  if (written) ends.set(written.seq, [...(ends.get(written.seq) ?? []), written.hash]);
  const reading = new Reading(keys);
  for (;;) {
    const page = await pageAfter(database, reading.end?.seq ?? 0);
    for (const row of page) {
      reading.take(row);
      if (ends.get(row.seq)?.some((hash) => hash !== row.hash))
        reading.fault(row.seq, `Entry ${row.seq} has another hash than was noted when it was written.`);
      ends.delete(row.seq);
    }
    if (page.length < PAGE) break;
  }
  for (const seq of ends.keys())
    reading.fault(seq, `Entry ${seq} was noted when it was written, and is not in the log any more.`);
  if (reading.entries > 0 && notedEnds === 0 && hasOthers)
    reading.fault(
      0,
      "No end of the log of this database was noted on this machine, but ends of another one were: this is another database, or says that it is.",
    );
  const { entries, end, faults } = reading;
  return { entries, end, faults, notedEnds };
}

type Row = Parameters<typeof hashOfRow>[0] & { hash: string };

class Reading {
  readonly faults: Verified["faults"] = [];
  end: ChainEnd | null = null;
  entries = 0;
  readonly #keys: ReadonlyMap<string, LogKey>;
  /** Those that were reported as missing. */
  readonly #unknown = new Set<string>();

  constructor(keys: ReadonlyMap<string, LogKey>) {
    this.#keys = keys;
  }

  take({ hash, ...row }: Row): void {
    const { seq, previousHash } = row;
    const expected = (this.end?.seq ?? 0) + 1;
    if (seq !== expected)
      this.fault(
        seq,
        seq === expected + 1 ? `Entry ${expected} is missing.` : `Entries ${expected} to ${seq - 1} are missing.`,
      );
    else if (previousHash !== (this.end?.hash ?? NO_HASH))
      this.fault(seq, `Entry ${seq} does not follow from entry ${seq - 1}: one of the two was changed.`);
    this.#checkHash(row, hash);
    this.end = { seq, hash };
    this.entries += 1;
  }

  fault(seq: number, says: string): void {
    this.faults.push({ seq, says });
  }

  #checkHash(row: Omit<Row, "hash">, hash: string): void {
    const { seq, keyId } = row;
    const key = this.#keys.get(keyId);
    if (key) {
      if (hashOfRow(row, (text) => key.sign(text)) !== hash)
        this.fault(seq, `Entry ${seq} was changed: its hash is another one.`);
    } else if (!this.#unknown.has(keyId)) {
      this.#unknown.add(keyId);
      this.fault(
        seq,
        `Entry ${seq}, and maybe more, was signed with the key ${keyId}, which is not in the data folder: it was put in, or comes from another ` +
          "machine. Copy that machine's access-log.key into this folder, as access-log-2.key.",
      );
    }
  }
}

async function pageAfter(database: Database, seq: number): Promise<Row[]> {
  const select = database.kysely.selectFrom("accessLog").selectAll().where("seq", ">", seq).orderBy("seq").limit(PAGE);
  return reportUnavailable(database, () => select.execute());
}
