/**
 * The key by which seals and packs are signed: Ed25519. That of the access log is another one, because it is symmetric: whoever could prove an
 * entry with it could make one. The public half of this one can be given to anybody.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { madeOnce, NotedEnds, textIn } from "@cofi/event-log/kept-outside";

const [KEY, ENDS] = ["signing.key", "seals.ends"];
/** Public keys of other machines that somebody has put beside the own one. */
const OTHERS = /^signing.*\.pub$/;

export class VerifyingKey {
  readonly id: string;
  /** PEM. */
  readonly text: string;
  readonly #key: KeyObject;

  /** @throws Error when the text is no PEM of an Ed25519 key; that of a private key gives its public half */
  constructor(pem: string) {
    this.#key = createPublicKey(pem);
    if (this.#key.asymmetricKeyType !== "ed25519") throw new Error("The key is not an Ed25519 key.");
    this.id = createHash("sha256")
      .update(this.#key.export({ type: "spki", format: "der" }))
      .digest("hex")
      .slice(0, 16);
    this.text = this.#key.export({ type: "spki", format: "pem" }).toString();
  }

  hasSigned(content: Buffer, signature: Buffer): boolean {
    return verify(null, content, this.#key, signature);
  }
}

/** The key of this machine, with the ends of the chain of seals that it has noted. */
export class SigningKey {
  readonly public: VerifyingKey;
  /** The key was made now. */
  readonly isNew: boolean;
  readonly ends: NotedEnds;
  readonly path: string;
  readonly #key: KeyObject;

  /**
   * Makes the key when the folder has none.
   * @param folder is made too
   * @throws Error when the folder cannot be written to, or the key is damaged
   */
  constructor(folder: string) {
    this.path = join(folder, KEY);
    let made = false;
    const pem = madeOnce(this.path, () => {
      made = true;
      return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    });
    this.isNew = made;
    try {
      this.#key = createPrivateKey(pem);
      this.public = new VerifyingKey(pem);
    } catch (error) {
      throw new Error(
        `${this.path} is no Ed25519 key. Bring it back from a copy; or move it away, and a new one is made, which other people do not know.`,
        { cause: error },
      );
    }
    this.ends = sealEndsIn(folder);
  }

  sign(content: Buffer): Buffer {
    return sign(null, content, this.#key);
  }
}

/** The ends of chains of seals that were noted in a folder. */
export function sealEndsIn(folder: string): NotedEnds {
  return new NotedEnds(join(folder, ENDS));
}

/**
 * The keys that seals may be signed with, by their ids: that of the folder, those whose public half lies beside it, and others.
 * @param files more public keys
 * @throws Error that names the file that is no key
 */
export function trustedKeys(folder: string, files: readonly string[] = []): Map<string, VerifyingKey> {
  const beside = namesIn(folder).filter((name) => name === KEY || OTHERS.test(name));
  const keys = [
    ...beside.map((name) => readKey(join(folder, name), textIn)),
    ...files.map((path) => readKey(path, (given) => readFileSync(given, "utf8"))),
  ];
  return new Map(keys.map((key) => [key.id, key]));
}

function readKey(path: string, read: (path: string) => string | null): VerifyingKey {
  try {
    return new VerifyingKey(read(path) ?? "");
  } catch (error) {
    throw new Error(
      `${path} is not a public key (PEM, Ed25519), as \`npx cofi key\` prints it: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
