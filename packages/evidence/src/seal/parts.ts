/** Some hundred events of a seal as they are stored: a line for each in two texts, of which the first alone goes into a pack. */
import { createHash, hash } from "node:crypto";
import { COLUMNS, type BodyPrint, type RowPrint } from "./canonical.js";

/** Events of a part. */
export const PART_EVENTS = 500;

/** What the seal is made of. */
export interface PartHead {
  firstId: number;
  lastId: number;
  events: number;
  /** Of both texts: {@link partSha256}. */
  sha256: string;
}

export interface SealPart extends PartHead {
  /** `id digest` */
  digests: string;
  /** `sha256 bytes` of the payload, then of the response, `-` where there is none, and the CRC-32 of each column as base64url. */
  checks: string;
}

/** What the seal holds of one event. */
export interface SealedEvent extends RowPrint {
  id: number;
}

export function partOf(events: readonly SealedEvent[]): SealPart {
  const digests = events.map(({ id, digest }) => `${id} ${digest}\n`).join("");
  const checks = events.map(checkLine).join("");
  const [firstId, lastId] = [events[0]?.id ?? 0, events.at(-1)?.id ?? 0];
  const sha256 = partSha256(sha256Hex(digests), sha256Hex(checks));
  return { firstId, lastId, events: events.length, digests, checks, sha256 };
}

/** Lower-case hex, of a part whose two texts have these hashes. */
export function partSha256(digests: string, checks: string): string {
  return sha256Hex(`${digests} ${checks}\n`);
}

export function sha256Hex(text: string): string {
  return hash("sha256", text, "hex");
}

/** Of all parts of a seal, in their order; it grows. */
export class PartsHash {
  readonly #hash = createHash("sha256");

  add({ firstId, lastId, events, sha256 }: PartHead): void {
    this.#hash.update(`${firstId} ${lastId} ${events} ${sha256}\n`);
  }

  /** Lower-case hex. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

/** What is written in a part. @returns null when the texts are not of this form */
export function eventsIn({ digests, checks }: Pick<SealPart, "digests" | "checks">): SealedEvent[] | null {
  const [known, told] = [digestsIn(digests), linesOf(checks)];
  if (known === null || told.length !== known.length) return null;
  const events: SealedEvent[] = [];
  for (const [place, { id, digest }] of known.entries()) {
    const found = CHECK.exec(told[place]!);
    const bytes = Buffer.from(found?.[5] ?? "", "base64url");
    if (!found || bytes.length !== COLUMNS.length * 4) return null;
    const crcs = Uint32Array.from(COLUMNS, (_, column) => bytes.readUInt32BE(column * 4));
    events.push({ id, digest, payload: bodyIn(found[1], found[2]), response: bodyIn(found[3], found[4]), crcs });
  }
  return events;
}

/** @returns null when the text is not of this form */
export function digestsIn(digests: string): { id: number; digest: string }[] | null {
  const events: { id: number; digest: string }[] = [];
  for (const line of linesOf(digests)) {
    const [, id, digest] = DIGEST.exec(line) ?? [];
    if (id === undefined || digest === undefined) return null;
    events.push({ id: Number(id), digest });
  }
  return events;
}

const DIGEST = /^(\d{1,16}) ([\w-]{43})$/;
const CHECK = /^([\w-]{43}|-) (\d{1,16}|-) ([\w-]{43}|-) (\d{1,16}|-) ([\w-]+)$/;

function linesOf(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

function checkLine({ payload, response, crcs }: RowPrint): string {
  const bytes = Buffer.alloc(crcs.length * 4);
  for (const [place, crc] of crcs.entries()) bytes.writeUInt32BE(crc, place * 4);
  return `${bodyText(payload)} ${bodyText(response)} ${bytes.toString("base64url")}\n`;
}

function bodyText({ sha256, bytes }: BodyPrint): string {
  return `${sha256 ?? "-"} ${bytes ?? "-"}`;
}

function bodyIn(sha256 = "-", bytes = "-"): BodyPrint {
  return { sha256: sha256 === "-" ? null : sha256, bytes: bytes === "-" ? null : Number(bytes) };
}
