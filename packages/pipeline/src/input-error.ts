/** The input cannot be used as it is: the message names the path, the cause and the remedy. The CLI leaves with exit code 2. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}
