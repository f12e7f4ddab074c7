/** Passwords are stored as scrypt hashes (RFC 7914), each with a salt of its own and its cost beside it. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/**
 * The least that OWASP recommends ("Password Storage Cheat Sheet"): 128 MiB and about 0.4 s of one core a guess. A hash that was made with
 * another cost is still read by its own.
 */
const COST = { N: 2 ** 17, r: 8, p: 1 };
const [SALT_BYTES, HASH_BYTES] = [16, 32];

/** Length in characters. Longest: so that a request cannot make the server hash megabytes. */
export const PASSWORD_LENGTH = { least: 12, most: 256 } as const;

/** `scrypt$131072$8$1$salt$hash`, both in base64url. */
export async function hashOf(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST);
  return ["scrypt", COST.N, COST.r, COST.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/**
 * Whether the password is the one of this hash. It takes as long when there is none: the time does not tell which users exist.
 * @param hash as {@link hashOf} made it; null for a user that does not exist
 */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  const [algorithm, N, r, p, salt = "", expected = ""] = (hash ?? "").split("$");
  const isKnown = algorithm === "scrypt";
  const cost = isKnown ? { N: Number(N), r: Number(r), p: Number(p) } : COST;
  const derived = await derive(password, isKnown ? Buffer.from(salt, "base64url") : randomBytes(SALT_BYTES), cost);
  const stored = Buffer.from(expected, "base64url");
  return isKnown && stored.length === derived.length && timingSafeEqual(stored, derived);
}

function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  // The same characters may be typed in several ways.
  const bytes = Buffer.from(password.normalize("NFC"));
  const maxmem = 256 * cost.N * cost.r;
  return new Promise((resolve, reject) => {
    scrypt(bytes, salt, HASH_BYTES, { ...cost, maxmem }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
