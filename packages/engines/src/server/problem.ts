/** The problem types of docs/engines.md, with the status each one is sent with. */
export type ProblemType =
  | "bad-request"
  | "unauthorized"
  | "forbidden"
  | "file-missing"
  | "variant-missing"
  | "not-found"
  | "file-too-large"
  | "unreadable-audio"
  | "unsupported-language"
  | "not-supported"
  | "engine-failed"
  | "engine-busy"
  | "loading";

/** Seconds a client should wait before it asks again, sent as `Retry-After`. */
export interface ProblemOptions {
  retryAfterS?: number;
  cause?: unknown;
}

/**
 * An error that an engine answers with: it becomes a problem document (RFC 9457) with this status.
 * Anything else that is thrown while a file is processed becomes `500 engine-failed`.
 */
export class EngineProblem extends Error {
  readonly status: number;
  readonly type: ProblemType;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterS: number | undefined;

  constructor(status: number, type: ProblemType, title: string, detail: string, options: ProblemOptions = {}) {
    super(`${title}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "EngineProblem";
    this.status = status;
    this.type = type;
    this.title = title;
    this.detail = detail;
    this.retryAfterS = options.retryAfterS;
  }
}

/** 400: the payload does not fit the contract; `detail` names the field. */
export function badRequest(detail: string): EngineProblem {
  return new EngineProblem(400, "bad-request", "The request does not fit the contract", detail);
}

/** 413: the recording is larger than this host stores. */
export function fileTooLarge(maxBytes: number): EngineProblem {
  return new EngineProblem(
    413,
    "file-too-large",
    "The recording is too large",
    `This host stores recordings of at most ${maxBytes} bytes.`,
  );
}
