/** Verbs on users that need no other server: their names, roles and passwords. */
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import { toApiTime } from "@cofi/event-log/time";
import { hashOf, isPassword, PASSWORD_LENGTH } from "./passwords.js";
import { isRole, type Role } from "./roles.js";

export interface User {
  name: string;
  role: Role;
  /** ISO 8601. */
  createdAt: string;
}

/** A name or password that cannot be used, or a user that is there already or is not there. The message says what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Letters, digits and a few signs: a name stands in lists and in the access log. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,99}$/u;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Users {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws UserError */
  async add(name: string, role: Role, password: string): Promise<void> {
    if (!NAME.test(name) || name !== name.normalize("NFC"))
      throw new UserError(
        `${JSON.stringify(name)} cannot be the name of a user: use up to 100 letters, digits and . _ @ + -, the first a letter or digit.`,
      );
    const values = { name, role, password: await checked(password), createdAt: this.#database.dialect.now };
    try {
      await this.#query(() => this.#db.insertInto("accessUser").values(values).execute());
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      throw new UserError(`There is a user ${name} already. \`cofi user role\` and \`cofi user password\` change it.`);
    }
  }

  async list(): Promise<User[]> {
    const rows = await this.#query(() =>
      this.#db.selectFrom("accessUser").select(["name", "role", "createdAt"]).orderBy("name").execute(),
    );
    // A role that this version does not know has no permissions.
    return rows.flatMap(({ name, role, createdAt }) =>
      isRole(role) ? [{ name, role, createdAt: toApiTime(createdAt) }] : [],
    );
  }

  async exist(): Promise<boolean> {
    const one = this.#db.selectFrom("accessUser").select("name").limit(1);
    return (await this.#query(() => one.executeTakeFirst())) !== undefined;
  }

  async has(name: string): Promise<boolean> {
    const one = this.#db.selectFrom("accessUser").select("name").where("name", "=", name);
    return (await this.#query(() => one.executeTakeFirst())) !== undefined;
  }

  /** @throws UserError where there is no such user */
  async setRole(name: string, role: Role): Promise<void> {
    await this.#change(name, { role });
  }

  /** @throws UserError where there is no such user, or the password is too short or too long */
  async setPassword(name: string, password: string): Promise<void> {
    await this.#change(name, { password: await checked(password) });
  }

  /** @throws UserError where there is no such user */
  async remove(name: string): Promise<void> {
    const remove = this.#db.deleteFrom("accessUser").where("name", "=", name);
    const { numDeletedRows } = await this.#query(() => remove.executeTakeFirst());
    if (numDeletedRows === 0n) throw missing(name);
  }

  /** The role of the user whose name and password these are; null for anybody else, in the same time. */
  async roleOf(name: string, password: string): Promise<Role | null> {
    if (password.length > PASSWORD_LENGTH.most || name.length > 100) return null;
    const select = this.#db.selectFrom("accessUser").select(["role", "password"]).where("name", "=", name);
    const user = await this.#query(() => select.executeTakeFirst());
    const isRight = await isPassword(password, user?.password ?? null);
    return isRight && isRole(user?.role) ? user.role : null;
  }

  async #change(name: string, set: { role?: string; password?: string }): Promise<void> {
    if (!(await this.has(name))) throw missing(name);
    await this.#query(() => this.#db.updateTable("accessUser").set(set).where("name", "=", name).execute());
  }

  get #db() {
    return this.#database.kysely;
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

function missing(name: string): UserError {
  return new UserError(`There is no user ${name}. \`cofi user list\` shows all users.`);
}

async function checked(password: string): Promise<string> {
  const { least, most } = PASSWORD_LENGTH;
  const length = [...password].length;
  if (length < least || length > most)
    throw new UserError(`The password has ${length} characters; expected ${least} to ${most}.`);
  return hashOf(password);
}
