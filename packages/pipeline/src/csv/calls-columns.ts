/** The columns of calls.csv. */
import {
  capitals,
  duration,
  fileName,
  oneOf,
  optional,
  phone,
  required,
  text,
  time,
  wholeNumber,
} from "./csv-columns.js";
import { redactPhone } from "@cofi/evidence/phone-number";

export const CALL_COLUMNS = {
  callId: required("call_id", text(128)),
  fileName: required("file_name", fileName),
  startTime: required("start_time", time),
  /** Seconds. */
  durationS: required("duration_s", duration),
  direction: optional("direction", oneOf({ IN: "IN", OUT: "OUT" })),
  /** E.164. */
  callerNumber: optional("caller_number", phone, redactPhone),
  calleeNumber: optional("callee_number", phone, redactPhone),
  extension: optional("extension", text(32)),
  dealerId: optional("dealer_id", text(64)),
  clientCode: optional("client_code", capitals(64)),
  channels: optional("channels", wholeNumber(1, 64)),
};
