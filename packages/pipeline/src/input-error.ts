/** The input cannot be used as it is: the message names the path, the cause and the remedy. The CLI leaves with exit code 2. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}

/** One row of a CSV turned out to be wrong after it was read, and the file it names with it. */
export class InputRowError extends Error {
  override readonly name = "InputRowError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
