/** What proves the events of a case by the seals of its batch, without saying anything of other events but their hashes. */
import type { Database } from "@cofi/event-log/database";
import { eventsIn, sha256Hex } from "@cofi/evidence/seal-parts";
import { SealReader } from "@cofi/evidence/seal-reader";
import { statementOf, type Seal } from "@cofi/evidence/seal-statement";
import { partsName, SEALS, type PackedPart, type PackedSeal } from "../manifest.js";
import type { Case } from "./case.js";
import type { Part } from "./material.js";

/** @param eventIds of the case; they are known when these files are written */
export function sealParts(database: Database, found: Case, eventIds: ReadonlySet<number>): Part[] {
  const { batch, databaseId, seals } = found;
  const reader = new SealReader(database);
  const lines = seals.map((seal): PackedSeal => ({ databaseId, seal }));
  return [
    { name: SEALS, content: () => lines.map((line) => `${JSON.stringify(line)}\n`) },
    ...seals.flatMap((seal): Part[] => [
      // For openssl, which reads files.
      { name: `seals/seal-${seal.seq}.txt`, content: () => [statementOf(databaseId, seal)] },
      { name: `seals/seal-${seal.seq}.sig`, content: () => [Buffer.from(seal.signature, "base64")] },
      { name: partsName(seal.seq), content: () => partLines(reader, batch.id, seal, eventIds) },
    ]),
  ];
}

async function* partLines(
  reader: SealReader,
  batchId: number,
  { afterId, lastId }: Seal,
  eventIds: ReadonlySet<number>,
): AsyncGenerator<string> {
  const ofCase = [...eventIds].toSorted((a, b) => a - b);
  let place = 0;
  for (const head of await reader.partHeads(batchId, { after: afterId, upTo: lastId })) {
    while ((ofCase[place] ?? Infinity) < head.firstId) place += 1;
    const isNeeded = (ofCase[place] ?? Infinity) <= head.lastId;
    yield `${JSON.stringify(isNeeded ? await wholePart(reader, batchId, head, eventIds) : head)}\n`;
  }
}

async function wholePart(
  reader: SealReader,
  batchId: number,
  head: PackedPart,
  eventIds: ReadonlySet<number>,
): Promise<PackedPart> {
  for await (const part of reader.parts(batchId, { after: head.firstId - 1, upTo: head.firstId })) {
    const { digests, checks } = part;
    const bodies = (eventsIn(part) ?? [])
      .filter(({ id }) => eventIds.has(id))
      .map(({ id, payload, response }) => ({ id, payload: payload.sha256, response: response.sha256 }));
    return { ...head, digests, checksSha256: sha256Hex(checks), bodies };
  }
  return head;
}
