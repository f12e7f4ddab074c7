/** The files of a pack, in their order. A new kind of evidence is one more entry of {@link partsOf} and a section of the page. */
import type { SealedRow } from "@cofi/evidence/canonical-rows";
import { sealedRows } from "@cofi/evidence/sealed-rows";
import { EVENTS } from "../manifest.js";
import { page } from "../page/page.js";
import { accessEntries } from "./access-entries.js";
import type { PackMaterial, Part } from "./material.js";
import { README } from "./readme.js";
import { provenBytes } from "./recordings.js";
import { sealParts } from "./seals.js";

export function partsOf(material: PackMaterial): Part[] {
  const { case: found, recordings, database } = material;
  const { calls, batch } = found;
  const rows = { after: 0, upTo: found.upToId, fileNames: found.fileNames };
  // Those of the case, noted while they are written, for what depends on them.
  const eventIds = new Set<number>();
  return [
    { name: "README.txt", content: () => [README] },
    { name: "index.html", content: () => page(material) },
    json("case.json", {
      batch,
      databaseId: found.databaseId,
      tradeId: found.trade.tradeId,
      recordings: recordings.map(({ call, name, copy, problem }) => ({
        callId: call.callId,
        fileName: call.fileName,
        sha256: call.sha256,
        packedAs: copy && name,
        problem,
      })),
    }),
    json("rows/trade.json", found.trade),
    json("rows/order.json", found.order),
    json("rows/candidates.json", found.candidates),
    json("rows/calls.json", calls.map(({ record }) => record).filter(Boolean)),
    json("rows/transcripts.json", calls.map(({ transcript }) => transcript).filter(Boolean)),
    json(
      "rows/extracted-trades.json",
      calls.flatMap(({ extracted }) => extracted),
    ),
    json(
      "rows/answers.json",
      calls.flatMap(({ answers }) => answers),
    ),
    json("verdicts.json", found.verdicts),
    json("reviews.json", found.reviews),
    json(
      "runs.json",
      found.runs.map(({ owner: _owner, ...run }) => run),
    ),
    {
      name: EVENTS,
      content: async function* () {
        for await (const some of sealedRows(database, batch.id, rows))
          for (const row of some) {
            eventIds.add(row.id);
            yield `${eventLine(row)}\n`;
          }
      },
    },
    ...sealParts(database, found, eventIds),
    { name: "access-log.ndjson", content: () => accessEntries(material, eventIds) },
    ...recordings.flatMap(({ copy, name, call: { sha256 } }): Part[] =>
      copy && sha256 !== null ? [{ name, content: () => provenBytes(copy, sha256), isPacked: true }] : [],
    ),
  ];
}

/** Bytes, which only other services store in the place of a text, are hex. */
function eventLine(row: SealedRow): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("hex") } : value,
      ]),
    ),
  );
}

function json(name: string, value: unknown): Part {
  return { name, content: () => [`${JSON.stringify(value, null, 2)}\n`] };
}
