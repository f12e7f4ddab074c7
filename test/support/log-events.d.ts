/** Events and a batch to build tests from. */
import type { Batch, LogEvent } from "@cofi/event-log/events";
export declare const BATCH: Batch;
/** An event of batch 1 and stage stt, `id` seconds after the batch was created. */
export declare function logEvent(id: number, fields: Partial<LogEvent>): LogEvent;
