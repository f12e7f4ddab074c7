/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  /** The batch failed or has failed files, or would refuse some, or a resource such as the database was not available. */
  failed: 1,
  /** Wrong use: arguments, settings, input folder. */
  usage: 2,
  /** Stopped by Ctrl-C or SIGTERM; the same command continues. */
  interrupted: 130,
} as const;

/** Ends a command with a message for the user and an exit code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
