/** One request and all of its response, collected as it comes: a stream for each response would cost more than the rest of it. */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";

export type ResponseHead = Pick<Dispatcher.ResponseData, "statusCode" | "headers">;

/** `body`: a stream is destroyed when the exchange fails. */
export type ExchangeOptions = Pick<Dispatcher.DispatchOptions, "method" | "headers" | "body"> & { url: string };

/**
 * Sends a request. What comes of the response is put into `chunks`, also when it breaks off.
 * @throws the error of undici; the reason of `signal`
 */
export function exchange(
  dispatcher: Dispatcher,
  { url, ...options }: ExchangeOptions,
  signal: AbortSignal,
  chunks: Buffer[],
): Promise<ResponseHead> {
  const { origin, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const collector = new Collector(signal, chunks, resolve, (error) => {
      if (options.body instanceof Readable) options.body.on("error", () => undefined).destroy();
      reject(error);
    });
    dispatcher.dispatch({ ...options, origin, path: pathname + search }, collector);
  });
}

class Collector implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #chunks: Buffer[];
  readonly #resolve: (head: ResponseHead) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #head: ResponseHead | null = null;

  constructor(
    signal: AbortSignal,
    chunks: Buffer[],
    resolve: (head: ResponseHead) => void,
    reject: (error: Error) => void,
  ) {
    this.#signal = signal;
    this.#chunks = chunks;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal.aborted) this.#abort();
    else signal.addEventListener("abort", this.#abort);
  }

  /** Before it has begun, such as while there is no connection, nobody waits for it. */
  readonly #abort = (): void => {
    const reason = this.#signal.reason as Error;
    if (this.#controller) this.#controller.abort(reason);
    else this.onResponseError(null, reason);
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(this.#signal.reason as Error);
  }

  /** Also of each interim response; the last one counts. */
  onResponseStart(_: Dispatcher.DispatchController, statusCode: number, headers: ResponseHead["headers"]): void {
    this.#head = { statusCode, headers };
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener("abort", this.#abort);
    if (this.#head) this.#resolve(this.#head);
    else this.#reject(new Error("A response ended that had not begun."));
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#reject(error);
  }
}
