/**
 * What a machine keeps of the access log outside of the database, in two files of its data folder: a key, with which entries are signed, and
 * the ends that the log had after each write from here. With the database alone nobody can make an entry, change one or take one away unseen.
 */
import { createHmac } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { madeOnce, NotedEnds, textIn, type ChainEnd } from "@cofi/event-log/kept-outside";
import { newSecret, sha256 } from "../secrets.js";

const [KEY, ENDS] = ["access-log.key", "access-log.ends"];
/** The own key, and those of other machines that somebody has put beside it. */
const KEYS = /^access-log.*\.key$/;
const SECRET = /^[\w-]{43}$/;

export class LogKeeper {
  /** Names the key in each entry that it signs. */
  readonly keyId: string;
  readonly #key: LogKey;
  readonly #ends: NotedEnds;

  /**
   * Makes the key when the folder has none.
   * @param folder is made too
   * @throws Error when the folder cannot be written to, or the key is damaged
   */
  constructor(folder: string) {
    const path = join(folder, KEY);
    this.#key = keyIn(
      path,
      madeOnce(path, () => `${newSecret()}\n`),
    );
    this.keyId = this.#key.id;
    this.#ends = endsIn(folder);
  }

  sign(text: string): string {
    return this.#key.sign(text);
  }

  /**
   * Notes that the log of a database ends here now.
   * @throws Error when it cannot: what the entry allows must not happen
   */
  note(databaseId: string, end: ChainEnd): void {
    this.#ends.note(databaseId, end);
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
  const keys = namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const text = KEYS.test(name) ? textIn(path) : null;
    return text === null ? [] : [keyIn(path, text)];
  });
  return new Map(keys.map((key) => [key.id, key]));
}

/** The ends of logs that were noted in a folder. */
export function endsIn(folder: string): NotedEnds {
  return new NotedEnds(join(folder, ENDS));
}

function keyIn(path: string, text: string): LogKey {
  if (SECRET.test(text.trim())) return new LogKey(text.trim());
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
