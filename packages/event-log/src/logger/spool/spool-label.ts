/**
 * The first line of a spool file: up to which event the database has confirmed, and whose events these are. Its length is
 * fixed, so that it can be written again in place. Version 1 did not say whose.
 *
 *     cofi spool 2, confirmed to 000000000000007, of <id of the database> <creation of the batch>          1a2b3c4d
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Of ASCII: the id of a database and a time take 61. */
const IDENTITY_CHARACTERS = 100;

export interface Label {
  version: 1 | 2;
  /** Numbers up to this one are confirmed: 0 until the file is the oldest of its spool. */
  confirmed: number;
  /** As `EventSink.identityOf` gives it; null while no database has said so. */
  identity: string | null;
}

function textOf({ version, confirmed, identity }: Label): string {
  const start = `cofi spool ${version}, confirmed to ${String(confirmed).padStart(15, "0")}`;
  return version === 1 ? start : `${start}, of ${(identity ?? "").padEnd(IDENTITY_CHARACTERS)}`;
}

export function encodeLabel(label: Label): Buffer {
  const text = textOf(label);
  return Buffer.from(`${text} ${crc32(text).toString(16).padStart(8, "0")}\n`, "latin1");
}

const VERSIONS = [2, 1] as const;
const LENGTHS = VERSIONS.map((version) => encodeLabel({ version, confirmed: 0, identity: null }).length);
/** No label is longer. */
export const LABEL_BYTES = Math.max(...LENGTHS);
const LABEL = /^cofi spool ([12]), confirmed to (\d{15})(?:, of (.{100}))? [0-9a-f]{8}\n$/;

/** The label at the start of a file, and its length; null when it cannot be read. */
export function decodeLabel(top: Buffer): { label: Label; bytes: number } | null {
  for (const bytes of LENGTHS) {
    const [line, version, confirmed, identity] = LABEL.exec(top.toString("latin1", 0, bytes)) ?? [];
    if (line === undefined) continue;
    const label: Label = {
      version: version === "1" ? 1 : 2,
      confirmed: Number(confirmed),
      identity: identity?.trimEnd() || null,
    };
    if (encodeLabel(label).toString("latin1") === line) return { label, bytes };
  }
  return null;
}

/** An identity as it fits into a label: equal for equal ones. */
export function labelled(identity: string): string {
  const isPlain = identity.length <= IDENTITY_CHARACTERS && /^[!-~]([ -~]*[!-~])?$/.test(identity);
  return isPlain ? identity : `sha256:${createHash("sha256").update(identity).digest("hex")}`;
}
