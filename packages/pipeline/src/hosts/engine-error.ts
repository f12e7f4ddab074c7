/** Why a host could not do its work on a file. */
import type { Json } from "@cofi/event-log/events";
import type { JsonText } from "@cofi/event-log/json-text";

/**
 * Whose fault it is that a file got no answer. It decides who is avoided, and what counts as an attempt of the file:
 * - `file`: the host has said, in the contract's words, that it will never answer about this file;
 * - `answer`: a model answered with what cannot be used, such as a quote that was not said, or what it needs of other hosts could
 *   not be had; asking again may help;
 * - `elsewhere`: all hosts that have what it needs are away, which is no fault at all;
 * - `host`: no connection, no answer in time, or an answer that is not the contract's: another host may answer;
 * - `busy`: the host asks to be left alone for a while, which is no fault at all;
 * - `setting`: this host will answer about no file until somebody changes a setting, such as a key or the name of a model;
 * - `stage`: no host will.
 */
export type Fault = "file" | "answer" | "elsewhere" | "host" | "busy" | "setting" | "stage";

export interface EngineErrorInit {
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** `type` of the problem document, or a word for what went wrong below HTTP. */
  type: string;
  fault: Fault;
  /** Base URL of the host whose error it is, where more than one took part. */
  host?: string | undefined;
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
  readonly fault: Fault;
  readonly host: string | undefined;
  /** 0 when the engine did not say. */
  readonly retryAfterMs: number;
  readonly response: JsonText | Json | undefined;

  constructor(message: string, { status, type, fault, host, retryAfterMs, response, cause }: EngineErrorInit) {
    super(message, { cause });
    this.status = status;
    this.type = type;
    this.fault = fault;
    this.host = host;
    this.retryAfterMs = retryAfterMs ?? 0;
    this.response = response;
  }

  /** Whether asking again, here or elsewhere, may help. */
  get retryable(): boolean {
    return this.fault !== "file" && this.fault !== "stage";
  }

  /** The same error, as that of one of several hosts that took part. */
  of(url: string): EngineError {
    const { status, type, fault, retryAfterMs, response, cause } = this;
    return new EngineError(this.message, { status, type, fault, host: url, retryAfterMs, response, cause });
  }

  /** The same error with another text of what came back. */
  withResponse(response: JsonText | Json): EngineError {
    const { status, type, fault, host, retryAfterMs, cause } = this;
    return new EngineError(this.message, { status, type, fault, host, retryAfterMs, response, cause });
  }
}
