/** What `manifest.json` of a pack says: each file with its SHA-256, and whose pack it is. It is signed. */

export const PACK_FORM = 1;

export interface PackedFile {
  name: string;
  bytes: number;
  /** Lower-case hex. */
  sha256: string;
}

export interface Manifest {
  /** "cofi pack" */
  kind: string;
  form: number;
  /** Version of Cofi. */
  version: string;
  /** ISO 8601. */
  madeAt: string;
  databaseId: string;
  batchId: number;
  tradeId: string;
  /** Of the key that signs: the first 16 hex digits of the SHA-256 of its public half (SPKI, DER). */
  keyId: string;
  /** All but the manifest and its signature; in the order of the zip. */
  files: PackedFile[];
}

/** The manifest and its signature are in no manifest. */
export const MANIFEST = "manifest.json";
export const SIGNATURE = "manifest.sig";
export const PUBLIC_KEY = "public-key.pem";
export const EVENTS = "events.ndjson";
export const SEALS = "seals/seals.ndjson";
/** @param seq of the seal */
export function partsName(seq: number): string {
  return `seals/parts-${seq}.ndjson`;
}

/** A line of {@link SEALS}. */
export interface PackedSeal {
  databaseId: string;
  seal: unknown;
}

/** A line of a file of parts. Those that hold no event of the case have no texts. */
export interface PackedPart {
  firstId: number;
  lastId: number;
  events: number;
  sha256: string;
  digests?: string;
  checksSha256?: string;
  /** Hashes of the bodies of the case's events, so that these are proven also when retention has removed the bodies. */
  bodies?: { id: number; payload: string | null; response: string | null }[];
}
