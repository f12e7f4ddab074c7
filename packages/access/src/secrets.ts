/** Random secrets, and keys that all processes of a database share. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";

const SECRET_BYTES = 32;

/** Nobody can guess it; 43 characters that a cookie and a URL may hold. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** Lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Compares in a time that does not depend on where the two differ, nor on their lengths. */
export function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(expected)));
}

/**
 * The key of this name, the same in all processes that use the database; the first one that asks makes it.
 * @throws DatabaseUnavailableError
 */
export async function sharedKey(database: Database, name: string): Promise<Buffer> {
  const stored = (): Promise<{ secret: string } | undefined> =>
    reportUnavailable(database, () =>
      database.kysely.selectFrom("accessKey").select("secret").where("name", "=", name).executeTakeFirst(),
    );
  const known = await stored();
  if (known) return Buffer.from(known.secret, "base64url");
  const values = { name, secret: newSecret(), createdAt: database.dialect.now };
  try {
    await reportUnavailable(database, () => database.kysely.insertInto("accessKey").values(values).execute());
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
  const made = await stored();
  if (!made) throw new Error(`The key ${name} was made and cannot be read back.`);
  return Buffer.from(made.secret, "base64url");
}
