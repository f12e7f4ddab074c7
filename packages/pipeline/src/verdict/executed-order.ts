/** What verdicts are given: an executed order, and what its batch knows beside it. */

/** What the verdict needs of an executed order: what its fills agree on, and what each of them says. */
export interface ExecutedOrder {
  clientCode: string;
  /** The share, index or commodity, without what a trading symbol says of a contract. */
  symbol: string;
  instrument: string | null;
  expiry: string | null;
  strike: number | null;
  optionType: string | null;
  side: "BUY" | "SELL";
  /** Terms of the contract, by their columns in trades.csv, that nobody knows. */
  unknownTerms?: readonly string[];
  /** null when it is not known. */
  lotSize: number | null;
  /** When the order was placed. */
  orderTime: Date;
  /** Of `orderTime`: `YYYY-MM-DD`. */
  day: string;
  /** At least one. */
  fills: readonly { tradeId: string; quantity: number; price: number }[];
}

/** What the batch knows beside the order, as far as its verdict needs it. */
export interface Known {
  /** The lowest and the highest price at which the contract was executed in the batch. */
  prices: { low: number; high: number } | null;
  /** Expiries of contracts of this kind on the same underlying; sorted. */
  expiries: readonly string[];
  /** By each client code that was heard in its calls: the code of another client of the batch that is nearest to it, if one is near. */
  otherClients: Readonly<Record<string, string>>;
}

export const NOTHING_KNOWN: Known = { prices: null, expiries: [], otherClients: {} };

type Outcome = "same" | "different" | "open";

export interface Finding {
  outcome: Outcome;
  text: string;
  /** Of one that is open: what a person has to listen for; nothing where it need not be known. */
  missing?: string;
}
