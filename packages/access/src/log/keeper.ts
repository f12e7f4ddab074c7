/**
 * What a machine keeps of the access log outside of the database, in two files of its data folder: a key, with which entries are signed, and
 * the ends that the log had after each write from here. With the database alone nobody can make an entry, change one or take one away unseen.
 */
import { createHmac, randomUUID } from "node:crypto";
import {
  appendFileSync,
  createReadStream,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { newSecret, sha256 } from "../secrets.js";

/** The last entry at some time. */
export interface LogEnd {
  seq: number;
  hash: string;
}

const [KEY, ENDS] = ["access-log.key", "access-log.ends"];
/** The own key, and those of other machines that somebody has put beside it. */
const KEYS = /^access-log.*\.key$/;
const SECRET = /^[\w-]{43}$/;
const LINE = /^(\S{1,100}) (\d{1,15}) ([0-9a-f]{64})$/;

export class LogKeeper {
  /** Names the key in each entry that it signs. */
  readonly keyId: string;
  readonly #key: LogKey;
  readonly #ends: string;

  /**
   * Makes the key when the folder has none.
   * @param folder is made too
   * @throws Error when the folder cannot be written to, or the key is damaged
   */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#key = readKey(join(folder, KEY)) ?? makeKey(folder);
    this.keyId = this.#key.id;
    this.#ends = join(folder, ENDS);
  }

  sign(text: string): string {
    return this.#key.sign(text);
  }

  /**
   * Notes that the log of a database ends here now.
   * @throws Error when it cannot: what the entry allows must not happen
   */
  note(databaseId: string, { seq, hash }: LogEnd): void {
    // The line's end comes first, so that a line that a power failure has cut off spoils no other.
    appendFileSync(this.#ends, `\n${databaseId} ${seq} ${hash}`, { mode: 0o600 });
  }
}

/** A key of entries, HMAC-SHA-256. */
export class LogKey {
  readonly id: string;
  readonly #secret: Buffer;

  constructor(secret: string) {
    this.#secret = Buffer.from(secret, "base64url");
    this.id = sha256(`key of the access log ${secret}`).slice(0, 16);
  }

  /** Lower-case hex. */
  sign(text: string): string {
    return createHmac("sha256", this.#secret).update(text).digest("hex");
  }
}

/** The keys that a folder has, by their ids. A folder that is not there has none. */
export function keysIn(folder: string): Map<string, LogKey> {
  const keys = namesIn(folder)
    .filter((name) => KEYS.test(name))
    .flatMap((name) => readKey(join(folder, name)) ?? []);
  return new Map(keys.map((key) => [key.id, key]));
}

/** The ends of this database's log that were noted in a folder, by number; and whether it has those of other databases. */
export async function endsIn(
  folder: string,
  databaseId: string,
): Promise<{ ends: Map<number, string[]>; hasOthers: boolean }> {
  const ends = new Map<number, string[]>();
  let hasOthers = false;
  if (namesIn(folder).includes(ENDS))
    for await (const line of createInterface({ input: createReadStream(join(folder, ENDS)) })) {
      const [, database, number, hash = ""] = LINE.exec(line) ?? [];
      if (database !== databaseId) hasOthers ||= database !== undefined;
      else ends.set(Number(number), [...(ends.get(Number(number)) ?? []), hash]);
    }
  return { ends, hasOthers };
}

/** It appears whole, and only once: of two processes that make one, one finds that of the other. */
function makeKey(folder: string): LogKey {
  const path = join(folder, KEY);
  const draft = join(folder, `.${KEY}.${randomUUID()}`);
  writeFileSync(draft, `${newSecret()}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(draft);
  }
  const made = readKey(path);
  if (!made) throw new Error(`${path} was made and cannot be read back.`);
  return made;
}

/** null when there is no such file. */
function readKey(path: string): LogKey | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  if (SECRET.test(text)) return new LogKey(text);
  throw new Error(
    `${path} is no key of the access log. Bring it back from a copy; or move it away, and a new one is made, by which earlier entries cannot be proven.`,
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
