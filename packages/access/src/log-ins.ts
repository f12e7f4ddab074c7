/** Log-ins at an OpenID provider between their beginning and their end: what the browser must bring back. */
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { newSecret, sha256 } from "./secrets.js";

export interface LogIn {
  state: string;
  nonce: string;
  /** Of PKCE, RFC 7636. */
  verifier: string;
  /** Path to show afterwards. */
  next: string;
}

/** How long a user may take at the provider, in ms. */
const LONGEST_MS = 600_000;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class LogIns {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns the secret that ties the log-in to the browser, and that {@link take} asks for */
  async begin(logIn: LogIn): Promise<string> {
    const { now, fromNow } = this.#database.dialect;
    const secret = newSecret();
    const values = { ...logIn, secretSha256: sha256(secret), expiresAt: fromNow(LONGEST_MS) };
    const { kysely } = this.#database;
    await reportUnavailable(this.#database, () =>
      kysely.deleteFrom("accessLogIn").where("expiresAt", "<", now).execute(),
    );
    await reportUnavailable(this.#database, () => kysely.insertInto("accessLogIn").values(values).execute());
    return secret;
  }

  /** The log-in of this browser, once: null when there is none, or it was taken, or it took too long. */
  async take(secret: string): Promise<LogIn | null> {
    const { kysely, dialect } = this.#database;
    const secretSha256 = sha256(secret);
    const row = await reportUnavailable(this.#database, () =>
      kysely
        .selectFrom("accessLogIn")
        .select(["state", "nonce", "verifier", "next"])
        .where("secretSha256", "=", secretSha256)
        .where("expiresAt", ">", dialect.now)
        .executeTakeFirst(),
    );
    const remove = kysely.deleteFrom("accessLogIn").where("secretSha256", "=", secretSha256);
    const { numDeletedRows } = await reportUnavailable(this.#database, () => remove.executeTakeFirst());
    // Whoever removes the row has it.
    return row && numDeletedRows === 1n ? row : null;
  }
}
