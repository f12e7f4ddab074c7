/** All verbs on what a batch found: calls, trades, what was said, and how the verdicts came to be, and lists of them. */
import { TradeListResults } from "./trade-list.js";

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Results extends TradeListResults {}
