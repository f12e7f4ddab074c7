import { parseJson } from "@cofi/event-log/json";
import type { Json } from "@cofi/event-log/events";
import type { Manifest, PackedFile } from "../manifest.js";

/** null when the text is no manifest. */
export function manifestIn(text: Buffer): Manifest | null {
  const parsed = objectIn(parseJson(text.toString()));
  if (!parsed || parsed["kind"] !== "cofi pack") return null;
  const { kind, form, version, madeAt, databaseId, batchId, tradeId, keyId, files } = parsed;
  const texts = [version, madeAt, databaseId, tradeId, keyId];
  if (!texts.every((value) => typeof value === "string") || !Array.isArray(files)) return null;
  if (typeof form !== "number" || typeof batchId !== "number") return null;
  const listed = files.map(fileIn);
  if (listed.includes(null)) return null;
  const [versionText = "", madeAtText = "", databaseIdText = "", tradeIdText = "", keyIdText = ""] = texts as string[];
  return {
    kind,
    form,
    version: versionText,
    madeAt: madeAtText,
    databaseId: databaseIdText,
    batchId,
    tradeId: tradeIdText,
    keyId: keyIdText,
    files: listed as PackedFile[],
  };
}

function fileIn(value: Json): PackedFile | null {
  const { name, bytes, sha256 } = objectIn(value) ?? {};
  if (typeof name !== "string" || typeof bytes !== "number" || typeof sha256 !== "string") return null;
  return { name, bytes, sha256 };
}

export function objectIn(value: Json | undefined): { [key: string]: Json } | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}
