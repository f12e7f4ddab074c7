/** Makes the pack of a trade: one zip with all that proves or refutes it, which reads and plays without Cofi and is signed. */
import type { AccessLog } from "@cofi/access/access-log";
import type { Database } from "@cofi/event-log/database";
import type { Batch } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import type { SigningKey } from "@cofi/evidence/seal-keys";
import { MANIFEST, PACK_FORM, PUBLIC_KEY, SIGNATURE, type Manifest } from "../manifest.js";
import { readCase, type Case } from "./case.js";
import type { CaseRecording, Part } from "./material.js";
import { partsOf } from "./parts.js";
import { findRecording, type RecordingSource } from "./recordings.js";
import { ZipWriter } from "./zip-writer.js";

export interface PackOptions {
  database: Database;
  accessLog: Pick<AccessLog, "entries">;
  key: SigningKey;
  /** The nearest first. */
  recordings: readonly RecordingSource[];
  /** Of Cofi. */
  version: string;
}

/** A pack that is ready to be written. */
export interface Pack {
  /** For the file, such as `cofi-batch-1-T007.zip`. */
  name: string;
  /** What is not in it and should be, as sentences: recordings that are gone. */
  missing: readonly string[];
  /** Reads the batch while the zip is read. @throws Error when a recording changes meanwhile; DatabaseUnavailableError */
  bytes(): AsyncGenerator<Buffer>;
}

/**
 * Reads what the pack of a trade is made of. It holds contents: whoever asks must be allowed to see them.
 * @param note commits an entry of the access log; it is awaited before anything of the case is read, and what it throws ends the pack
 * @returns null when the batch has no such trade
 * @throws DatabaseUnavailableError
 */
export async function preparePack(
  { database, accessLog, key, recordings, version }: PackOptions,
  batch: Batch,
  tradeId: string,
  note: () => Promise<void>,
): Promise<Pack | null> {
  if (!(await new Results(database).hasTrade(batch.id, tradeId))) return null;
  await note();
  const found = await readCase(new Store(database), new Results(database), batch, tradeId);
  if (!found) return null;
  const withSound: CaseRecording[] = [];
  for (const [place, call] of found.calls.entries())
    withSound.push({
      call,
      name: `recordings/${place + 1}-${plainName(call.fileName)}`,
      ...(await findRecording(recordings, batch.id, call)),
    });
  const parts = partsOf({ case: found, recordings: withSound, database, accessLog });
  return {
    name: `cofi-batch-${batch.id}-${plainName(tradeId)}.zip`,
    missing: withSound.flatMap(({ call, problem }) => (problem === null ? [] : [`${call.fileName}: ${problem}`])),
    bytes: () => write(found, parts, key, version),
  };
}

function write(found: Case, parts: readonly Part[], key: SigningKey, version: string): AsyncGenerator<Buffer> {
  const zip = new ZipWriter();
  for (const { name, content, isPacked } of parts) zip.add(name, content, isPacked);
  zip.add(PUBLIC_KEY, () => [key.public.text]);
  zip.add("SHA256SUMS", () => zip.files.map(({ name, sha256 }) => `${sha256}  ${name}\n`));
  let text = Buffer.alloc(0);
  zip.add(MANIFEST, () => {
    const manifest: Manifest = {
      kind: "cofi pack",
      form: PACK_FORM,
      version,
      madeAt: new Date().toISOString(),
      databaseId: found.databaseId,
      batchId: found.batch.id,
      tradeId: found.trade.tradeId,
      keyId: key.public.id,
      files: [...zip.files],
    };
    text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    return [text];
  });
  zip.add(SIGNATURE, () => [key.sign(text)]);
  return zip.bytes(key);
}

/** For file systems of any kind: letters, digits, dots, and no more than they take. */
function plainName(name: string): string {
  const plain = name.replaceAll(/[^\w.-]+/g, "_").replaceAll(/^[.-]+/g, "_");
  return plain.length <= 100 ? plain : plain.slice(0, 50) + plain.slice(-50);
}
