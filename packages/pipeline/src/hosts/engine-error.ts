/** Why a host could not do its work on a file. */
import type { Json } from "@cofi/event-log/events";
import type { JsonText } from "@cofi/event-log/json-text";

export interface EngineErrorInit {
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** `type` of the problem document, or a word for what went wrong below HTTP. */
  type: string;
  retryable: boolean;
  /** How long the engine asks to be left alone (`Retry-After`), in milliseconds. */
  retryAfterMs?: number | undefined;
  /** What came back, for the log: all of it, or as much as came. */
  response?: JsonText | Json | undefined;
  cause?: unknown;
}

/** An engine could not do its work on a file. The message names host and cause. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number | null;
  readonly type: string;
  readonly retryable: boolean;
  /** 0 when the engine did not say. */
  readonly retryAfterMs: number;
  readonly response: JsonText | Json | undefined;

  constructor(message: string, { status, type, retryable, retryAfterMs, response, cause }: EngineErrorInit) {
    super(message, { cause });
    this.status = status;
    this.type = type;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs ?? 0;
    this.response = response;
  }

  /** The same error with another text of what came back. */
  withResponse(response: JsonText | Json): EngineError {
    const { status, type, retryable, retryAfterMs, cause } = this;
    return new EngineError(this.message, { status, type, retryable, retryAfterMs, response, cause });
  }
}
