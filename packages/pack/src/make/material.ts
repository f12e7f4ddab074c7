/** What a pack is made of, and what it is made into. */
import type { AccessLog } from "@cofi/access/access-log";
import type { Database } from "@cofi/event-log/database";
import type { Case, CaseCall } from "./case.js";
import type { FoundRecording } from "./recordings.js";
import type { Content } from "./zip-writer.js";

export interface CaseRecording extends FoundRecording {
  call: CaseCall;
  /** In the zip. */
  name: string;
}

export interface PackMaterial {
  case: Case;
  recordings: readonly CaseRecording[];
  database: Database;
  accessLog: Pick<AccessLog, "entries">;
}

export interface Part {
  name: string;
  content: () => Content;
  /** It is not worth compressing. */
  isPacked?: boolean;
}
