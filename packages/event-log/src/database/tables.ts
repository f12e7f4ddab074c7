/** The tables as kysely sees them; the SQL that makes them is in `migrations/`. */
import type { Generated, GeneratedAlways } from "kysely";
import type { BatchStatus, EventStatus, EventType } from "../events.js";
import type { AccessTables } from "./access-tables.js";
import type { ResultTables } from "./result-tables.js";
import type { SealTables } from "./seal-tables.js";

/** Times are UTC text, `YYYY-MM-DD HH:MM:SS.mmm`, in both databases. */
export interface BatchStatusTable {
  id: Generated<number>;
  name: string | null;
  status: Generated<BatchStatus>;
  currentStage: string | null;
  totalFiles: number | null;
  createdAt: Generated<string>;
  startedAt: string | null;
  finishedAt: string | null;
  folder: string | null;
  leaseOwner: string | null;
  leaseExpiresAt: string | null;
  /** When retention removed the payloads; null while they are there, and again once a later run has begun. */
  payloadsRemovedAt: string | null;
  /** Id of the event up to which retention removed the payloads. */
  payloadsRemovedTo: number | null;
  /** Of the rows in `callRecord`, as the step that stored them computes it; null before. */
  callsSha256: string | null;
  /** Number of its newest run; 0 before the first. */
  run: Generated<number>;
  /** The newest row of `retentionHold` when retention left something of the batch because it was held; null: it left nothing. */
  heldBack: number | null;
}

interface BatchRunTable {
  batchId: number;
  run: number;
  owner: string;
  startedAt: Generated<string>;
  endedAt: string | null;
  outcome: string | null;
  version: string;
  configuration: string;
  configurationSha256: string;
}

interface BatchExecutionLogTable {
  id: Generated<number>;
  batchId: number;
  timestamp: Generated<string>;
  stage: string;
  eventType: EventType;
  fileName: string | null;
  gpuIp: string | null;
  payload: string | null;
  response: string | null;
  status: EventStatus | null;
  errorMessage: string | null;
  totalFiles: number | null;
  processedFiles: number | null;
  metadata: string | null;
  eventId: string | null;
  attempt: number | null;
  durationMs: number | null;
  payloadBytes: GeneratedAlways<number | null>;
  responseBytes: GeneratedAlways<number | null>;
  payloadCut: string | null;
  responseCut: string | null;
  run: number | null;
}

/** One row. */
interface RetentionTable {
  id: number;
  /** The process that prunes. */
  owner: string | null;
  expiresAt: string | null;
  /** Removed content may be readable in the database's files since then. */
  tracesSince: string | null;
}

interface RetentionHoldTable {
  number: Generated<number>;
  /** The hold that the row releases; null for a row that holds something. */
  releases: number | null;
  scope: string | null;
  /** null for a client in all batches. */
  batchId: number | null;
  subject: string | null;
  who: string;
  role: string;
  at: string;
  reason: string;
}

interface EngineHostTable {
  /** Stage and URL. */
  host: string;
  leftOutAt: string | null;
  leftOutUntil: string | null;
  /** The batch whose run has left it out. */
  leftOutBy: number | null;
}

interface EngineHostUseTable {
  host: string;
  batchId: number;
  run: number;
  slots: number;
  wanted: number;
  hostSlots: number;
  servedAt: string | null;
}

export interface Tables extends ResultTables, AccessTables, SealTables {
  batchStatus: BatchStatusTable;
  batchExecutionLog: BatchExecutionLogTable;
  batchRun: BatchRunTable;
  databaseIdentity: { id: string };
  retention: RetentionTable;
  retentionHold: RetentionHoldTable;
  recordingPlace: { batchId: number; place: string; description: string };
  engineHost: EngineHostTable;
  engineHostUse: EngineHostUseTable;
  removedBatch: { batchId: number; createdAt: string; removedAt: string };
}
