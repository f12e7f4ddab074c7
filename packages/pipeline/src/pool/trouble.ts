/** Why a host cannot be asked, by what was found when it was. */
import { EngineError } from "../hosts/engine-error.js";
import type { Trouble } from "./host-state.js";

/** Without a connection nothing was said about the file. */
const UNREACHED = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether no connection could be made. */
export function isUnreached(error: Error): boolean {
  return error instanceof EngineError && UNREACHED.has(error.type);
}

/** What a look at a host has found. */
export function troubleOf(error: Error): Trouble {
  const isUnfit = error instanceof EngineError && error.fault === "setting";
  return { why: error.message, isUnfit, isUnreached: isUnreached(error) };
}
