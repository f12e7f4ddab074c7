/** All verbs on what a batch found: calls, trades, what was said, and how the verdicts came to be. */
import { VerdictResults } from "./verdict-history.js";

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Results extends VerdictResults {}
