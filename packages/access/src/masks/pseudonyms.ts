/** Stands for contents where they may not be shown: equal contents have equal pseudonyms, in all processes and after every restart. */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";

/** Characters of a pseudonym: 40 bits, so that two of a million contents have the same one once in two batches or so. */
const LENGTH = 8;
/** Without letters that look like digits. */
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** What a telephone number in a name may consist of; with these 16 signs each takes half a byte. */
const SIGNS = "0123456789+-(). ";
const MOST_SIGNS = 28;
const BLOCK = 16;
const TOKEN = /tel~([\w-]{22})~/g;

export class Pseudonyms {
  readonly #key: Buffer;
  readonly #nameKey: Buffer;

  /** @param key of the database, which all of its processes share */
  constructor(key: Buffer) {
    this.#key = key;
    this.#nameKey = createHmac("sha256", key).update("names").digest().subarray(0, BLOCK);
  }

  /** `‹k7f3mq2p›`: HMAC-SHA-256 with the key, shortened. */
  of(content: string): string {
    const hash = createHmac("sha256", this.#key).update("content\0").update(content).digest();
    let text = "";
    for (let n = 0; n < LENGTH; n++) text += LETTERS[hash[n]! & 31];
    return `‹${text}›`;
  }

  /**
   * `tel~…~` in the place of a telephone number within a name. It is encrypted (one block of AES), not hashed: whoever is shown the name must
   * be able to ask for the file by it.
   */
  ofNumber(number: string): string {
    if (number.length > MOST_SIGNS)
      return this.ofNumber(number.slice(0, MOST_SIGNS)) + this.ofNumber(number.slice(MOST_SIGNS));
    const block = Buffer.alloc(BLOCK);
    block[0] = number.length;
    for (let n = 0; n < number.length; n++) block[2 + (n >> 1)]! |= SIGNS.indexOf(number[n]!) << (n % 2 === 0 ? 4 : 0);
    const cipher = createCipheriv("aes-128-ecb", this.#nameKey, null).setAutoPadding(false);
    return `tel~${Buffer.concat([cipher.update(block), cipher.final()]).toString("base64url")}~`;
  }

  /** A text with the numbers that its tokens stand for. What is no token of this key stays. */
  withNumbers(text: string): string {
    return text.replaceAll(TOKEN, (token, encrypted: string) => this.#numberOf(encrypted) ?? token);
  }

  #numberOf(encrypted: string): string | null {
    const decipher = createDecipheriv("aes-128-ecb", this.#nameKey, null).setAutoPadding(false);
    const bytes = Buffer.from(encrypted, "base64url");
    if (bytes.length !== BLOCK) return null;
    const block = Buffer.concat([decipher.update(bytes), decipher.final()]);
    const [length = 0, zero] = block;
    if (length === 0 || length > MOST_SIGNS || zero !== 0) return null;
    let number = "";
    for (let n = 0; n < length; n++) number += SIGNS[(block[2 + (n >> 1)]! >> (n % 2 === 0 ? 4 : 0)) & 15];
    return number;
  }
}
