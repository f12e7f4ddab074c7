/** Proves that a pack is what was made, or names what was changed, added or removed. It needs the file alone, and a key. */
import { createHash } from "node:crypto";
import { VerifyingKey } from "@cofi/evidence/seal-keys";
import { MANIFEST, PACK_FORM, PUBLIC_KEY, SIGNATURE, type Manifest, type PackedFile } from "../manifest.js";
import { Archive, ArchiveError, frameOfFile, type Frame } from "./archive.js";
import { manifestIn } from "./read-manifest.js";
import { verifyEvents, type ProvenEvents } from "./verify-events.js";

/** All the files that there may be, with their hashes. */
const LONGEST_MANIFEST = 1_000_000;
const LONGEST_KEY = 10_000;
const SIGNATURE_BYTES = 64;

export interface VerifiedPack {
  /** Sentences; none when the pack is what was made. */
  faults: string[];
  /** null when it cannot be read. */
  manifest: Manifest | null;
  /** The key that the pack is proven by. */
  key: { id: string; isKnown: boolean } | null;
  /** null when they could not be read. */
  events: ProvenEvents | null;
}

/**
 * @param keys that are known to be those of who makes packs
 * @param mustBeKnown whether one of them must have signed; else the pack's own word is taken for its key
 * @throws the error of the file system, when the file cannot be read
 */
export async function verifyPack(
  path: string,
  keys: ReadonlyMap<string, VerifyingKey>,
  mustBeKnown = false,
): Promise<VerifiedPack> {
  const frame = await frameOfFile(path);
  let archive: Archive;
  try {
    archive = await Archive.open(path);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const faults = [`The zip was changed, and cannot be read: ${error.message.replace(/\.$/, "")}.`];
    return { faults, manifest: null, key: null, events: null };
  }
  try {
    return await new PackVerifying(archive, frame, keys, mustBeKnown).all();
  } finally {
    archive.close();
  }
}

class PackVerifying {
  readonly #archive: Archive;
  readonly #frame: Frame;
  readonly #keys: ReadonlyMap<string, VerifyingKey>;
  readonly #mustBeKnown: boolean;
  readonly #faults: string[];

  constructor(archive: Archive, frame: Frame, keys: ReadonlyMap<string, VerifyingKey>, mustBeKnown: boolean) {
    this.#archive = archive;
    this.#frame = frame;
    this.#keys = keys;
    this.#mustBeKnown = mustBeKnown;
    this.#faults = [...archive.faults];
  }

  async all(): Promise<VerifiedPack> {
    const faults = this.#faults;
    const text = await this.#file(MANIFEST, LONGEST_MANIFEST);
    const manifest = text && manifestIn(text);
    if (text && !manifest) faults.push(`${MANIFEST} was changed: it is no manifest of a pack.`);
    if (manifest && manifest.form !== PACK_FORM)
      faults.push(
        `The pack has the form ${manifest.form}, which this version does not know. Use a newer version of Cofi.`,
      );
    const key = await this.#key(manifest);
    if (text && key) await this.#signature(text, key.key);
    if (manifest) await this.#files(manifest);
    await this.#rest(key?.key ?? null);
    const events = manifest && faults.length === 0 ? await this.#events() : null;
    return { faults, manifest, key: key && { id: key.key.id, isKnown: key.isKnown }, events };
  }

  /** null, with a fault, when it cannot be read. */
  async #file(name: string, longest: number): Promise<Buffer | null> {
    if (!this.#archive.entries.has(name)) {
      this.#faults.push(`${name} is missing.`);
      return null;
    }
    try {
      return await this.#archive.bytes(name, longest);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.#faults.push(unreadable(name, error));
      return null;
    }
  }

  async #key(manifest: Manifest | null): Promise<{ key: VerifyingKey; isKnown: boolean } | null> {
    const known = manifest && this.#keys.get(manifest.keyId);
    if (known) return { key: known, isKnown: true };
    if (manifest && this.#mustBeKnown)
      this.#faults.push(`The pack is signed with the key ${manifest.keyId}, which is none of those that are known.`);
    const pem = await this.#file(PUBLIC_KEY, LONGEST_KEY);
    if (pem === null) return null;
    try {
      return { key: new VerifyingKey(pem.toString()), isKnown: false };
    } catch {
      this.#faults.push(`${PUBLIC_KEY} was changed: it is no key.`);
      return null;
    }
  }

  async #signature(manifest: Buffer, key: VerifyingKey): Promise<void> {
    const signature = await this.#file(SIGNATURE, SIGNATURE_BYTES);
    if (signature !== null && !key.hasSigned(manifest, signature))
      this.#faults.push(
        `${MANIFEST} or ${SIGNATURE} was changed, or the key is another one: the signature does not fit.`,
      );
  }

  async #files({ files }: Manifest): Promise<void> {
    const left = new Set(this.#archive.entries.keys());
    for (const name of [MANIFEST, SIGNATURE]) left.delete(name);
    for (const file of files) {
      if (!left.delete(file.name)) this.#faults.push(`${file.name} is missing.`);
      else await this.#compare(file);
    }
    for (const name of left) this.#faults.push(`${name} was added.`);
  }

  async #compare({ name, bytes, sha256 }: PackedFile): Promise<void> {
    const hash = createHash("sha256");
    let length = 0;
    try {
      for await (const chunk of this.#archive.read(name)) {
        hash.update(chunk);
        if ((length += chunk.length) > bytes) break;
      }
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.#faults.push(unreadable(name, error));
      return;
    }
    if (length !== bytes || hash.digest("hex") !== sha256) this.#faults.push(`${name} was changed.`);
  }

  /** null, with a fault, when a file of them cannot be read: the pack was made without it. */
  async #events(): Promise<ProvenEvents | null> {
    try {
      return await verifyEvents(this.#archive, this.#keys, this.#faults);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.#faults.push(`The events cannot be proven: ${error.message}`);
      return null;
    }
  }

  /** Bytes of the zip that belong to the contents of no file. */
  async #rest(key: VerifyingKey | null): Promise<void> {
    const { signature, signed } = this.#frame;
    if (key === null || (signature !== null && key.hasSigned(signed, signature)) || this.#faults.length > 0) return;
    for (const name of this.#archive.entries.keys()) {
      const fault = await this.#archive.headFault(name);
      if (fault !== null) this.#faults.push(fault);
    }
    if (this.#faults.length > 0) return;
    this.#faults.push(
      signature === null
        ? "The end of the zip was changed: its signature is not there."
        : "The frame of the zip was changed: its signature does not fit, though the contents of all files are as they were.",
    );
  }
}

function unreadable(name: string, { message }: ArchiveError): string {
  return `${name} was changed, and cannot be read: ${message.replace(/\.$/, "")}.`;
}
