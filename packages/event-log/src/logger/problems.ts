/** What the logger tells its owner, and how: a listener can never break the work. */

/** What the logger could not do for now, or ever, with an event; for the operator's log. Holds no payload. */
export interface LoggerProblem {
  kind: "database" | "rejected" | "spool";
  message: string;
  cause: unknown;
}

export type ProblemListener = (problem: LoggerProblem) => void;

/** The listener, or none, as a function that never throws. */
export function quietly(listener: ProblemListener | undefined): ProblemListener {
  return (problem) => {
    try {
      listener?.(problem);
    } catch (error) {
      process.emitWarning(`onProblem threw: ${String(error)}`, "EventLoggerWarning");
    }
  };
}
