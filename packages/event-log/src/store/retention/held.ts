/**
 * What retention must leave of a batch, because somebody holds it. Read in each transaction that removes something, after
 * {@link RetentionLock.hold}: whoever holds something waits for that row, so that a hold which was answered is seen by every step
 * that removes something afterwards. Where the holds cannot be read, or one is not understood, the transaction fails and nothing goes.
 */
import type { Kysely } from "kysely";
import type { Tables } from "../../database/tables.js";

/** batch: all of it · call, trade: one of a batch · client: the trades and calls of a client in one batch, or in all. */
export const HOLD_SCOPES = ["batch", "call", "trade", "client"] as const;
export type HoldScope = (typeof HOLD_SCOPES)[number];

export interface Held {
  /** The number of the newest row of holds and releases when this was read; 0 before the first. */
  newest: number;
  /** Nothing of the batch goes. */
  isWhole: boolean;
  trades: ReadonlySet<string>;
  calls: ReadonlySet<string>;
  /** Names of the recordings of these calls. */
  files: ReadonlySet<string>;
}

/** Tables of results, each with the columns that say what a row is about; without any, it is about the batch as a whole. */
export const RESULTS_OF = {
  auditAnswer: ["callId"],
  extractedTrade: ["callId"],
  transcript: ["callId"],
  tradeCall: ["tradeId", "callId"],
  trade: ["tradeId"],
  callRecord: ["callId"],
  review: ["tradeId"],
  batchSealPart: [],
} as const satisfies Partial<Record<keyof Tables, readonly ("tradeId" | "callId")[]>>;
export type ResultTable = keyof typeof RESULTS_OF;

/** Values in one list of a statement. */
const MOST_LISTED = 500;

/** @throws the database's error; Error when a hold is not understood */
export async function newestHold(db: Kysely<Tables>): Promise<number> {
  const { newest } = await db
    .selectFrom("retentionHold")
    .select((eb) => eb.fn.max("number").as("newest"))
    .executeTakeFirstOrThrow();
  return Number(newest ?? 0);
}

/** The held parts of a batch, at this moment. @throws the database's error; Error when a hold is not understood */
export async function heldIn(db: Kysely<Tables>, batchId: number): Promise<Held> {
  const newest = await newestHold(db);
  const rows = await db
    .selectFrom("retentionHold as hold")
    .leftJoin("retentionHold as release", "release.releases", "hold.number")
    .select(["hold.number", "hold.scope", "hold.subject"])
    .where("hold.releases", "is", null)
    .where("release.number", "is", null)
    .where((eb) => eb.or([eb("hold.batchId", "=", batchId), eb("hold.batchId", "is", null)]))
    .execute();
  const subjects: Record<HoldScope, Set<string>> = {
    batch: new Set(),
    call: new Set(),
    trade: new Set(),
    client: new Set(),
  };
  for (const { number, scope, subject } of rows) {
    const known = HOLD_SCOPES.find((one) => one === scope);
    if (!known || (known !== "batch" && !subject))
      throw new Error(`Hold ${number} is not understood by this version of Cofi, so nothing is removed.`);
    subjects[known].add(subject ?? "");
  }
  const { trade: trades, call: calls, client: clients } = subjects;
  const isWhole = subjects.batch.size > 0;
  if (isWhole || rows.length === 0) return { newest, isWhole, trades, calls, files: new Set() };
  for (const { tradeId } of await tradesOf(db, batchId, clients)) trades.add(tradeId);
  for (const callId of await callsOf(db, batchId, { trades, clients })) calls.add(callId);
  return { newest, isWhole, trades, calls, files: await filesOf(db, batchId, calls) };
}

/** Whether a row of results is about something that is held. */
export function isHeldResult(held: Held, row: { tradeId?: string; callId?: string }): boolean {
  if (held.isWhole) return true;
  const { tradeId, callId } = row;
  // What was done with the batch as a whole, and what proves it, belongs to all of its trades.
  if (tradeId === "" || (tradeId === undefined && callId === undefined)) return holdsAny(held);
  return (tradeId !== undefined && held.trades.has(tradeId)) || (callId !== undefined && held.calls.has(callId));
}

/** Whether an event of this file, or of this trade, is about something that is held. */
export function isHeldFile({ isWhole, files, trades }: Held, fileName: string | null): boolean {
  return isWhole || (fileName !== null && (files.has(fileName) || trades.has(fileName)));
}

export function holdsAny({ isWhole, trades, calls }: Held): boolean {
  return isWhole || trades.size > 0 || calls.size > 0;
}

async function tradesOf(db: Kysely<Tables>, batchId: number, clients: ReadonlySet<string>) {
  const select = db.selectFrom("trade").select("tradeId").where("batchId", "=", batchId);
  return listed(clients, (codes) => select.where("clientCode", "in", codes).execute());
}

/** The calls of these clients, and those that were considered for these trades. */
async function callsOf(
  db: Kysely<Tables>,
  batchId: number,
  { trades, clients }: { trades: ReadonlySet<string>; clients: ReadonlySet<string> },
): Promise<string[]> {
  const own = db.selectFrom("callRecord").select("callId").where("batchId", "=", batchId);
  const spoken = db.selectFrom("extractedTrade").select("callId").where("batchId", "=", batchId);
  const considered = db.selectFrom("tradeCall").select("callId").where("batchId", "=", batchId);
  const decisive = db.selectFrom("trade").select("verdictCallId as callId").where("batchId", "=", batchId);
  const rows: { callId: string | null }[] = [
    ...(await listed(clients, (codes) => own.where("clientCode", "in", codes).execute())),
    ...(await listed(clients, (codes) => spoken.where("clientCode", "in", codes).execute())),
    ...(await listed(trades, (ids) => considered.where("tradeId", "in", ids).execute())),
    ...(await listed(trades, (ids) => decisive.where("tradeId", "in", ids).execute())),
  ];
  return rows.flatMap(({ callId }) => callId ?? []);
}

async function filesOf(db: Kysely<Tables>, batchId: number, calls: ReadonlySet<string>): Promise<Set<string>> {
  const select = db.selectFrom("callRecord").select("fileName").where("batchId", "=", batchId);
  const rows = await listed(calls, (ids) => select.where("callId", "in", ids).execute());
  return new Set(rows.map(({ fileName }) => fileName));
}

async function listed<Row>(
  values: ReadonlySet<string>,
  ask: (values: string[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const all = [...values];
  const rows: Row[] = [];
  for (let start = 0; start < all.length; start += MOST_LISTED)
    rows.push(...(await ask(all.slice(start, start + MOST_LISTED))));
  return rows;
}
