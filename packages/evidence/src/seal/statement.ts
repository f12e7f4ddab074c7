/** What a seal says, and what is signed of it. */
import { hash } from "node:crypto";
import type { Selectable } from "kysely";
import type { SealTables } from "@cofi/event-log/seal-tables";
import type { VerifyingKey } from "./keys.js";

/** As it is stored. */
export type Seal = Selectable<SealTables["batchSeal"]>;

/** The hash before the first seal. */
export const NO_SEAL = "0".repeat(64);

type Said = Omit<Seal, "hash" | "signature">;

/** The text that is hashed and signed. The identity of the database is in it: a chain of another one is none of this. */
export function statementOf(databaseId: string, seal: Said): string {
  const { form, seq, batchId, run, at, afterId, lastId, events, rowsSha256, keyId, previousHash } = seal;
  const said = [form, seq, databaseId, batchId, run, at, afterId, lastId, events, rowsSha256, keyId, previousHash];
  return JSON.stringify(["cofi seal", ...said]);
}

/** Lower-case hex. */
export function hashOfSeal(databaseId: string, seal: Said): string {
  return hash("sha256", statementOf(databaseId, seal), "hex");
}

/** Why a seal is not what was signed, as a sentence; null when it is. `key`: the one that the seal names, where it is known. */
export function faultOfSeal(databaseId: string, seal: Seal, key: VerifyingKey | undefined): string | null {
  const which = `Seal ${seal.seq} (batch ${seal.batchId})`;
  if (hashOfSeal(databaseId, seal) !== seal.hash) return `${which} was changed: its hash is another one.`;
  if (!key)
    return (
      `${which} is signed with the key ${seal.keyId}, which is not known here: it was put in, or comes from another machine. ` +
      "Give the public key of that machine: `--key <file>`, or a file signing-2.pub in the data folder."
    );
  const signed = Buffer.from(seal.signature, "base64");
  // Base64 has several texts for the same bytes.
  if (
    signed.toString("base64") !== seal.signature ||
    !key.hasSigned(Buffer.from(statementOf(databaseId, seal)), signed)
  )
    return `${which} was changed: its signature does not fit.`;
  return null;
}
