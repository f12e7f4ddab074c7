/** The calls of a batch as triage looks them up: by phone number, client code and dealer, never one by one. */
import type { CallRow } from "../csv/calls-csv.js";
import type { TradeRow } from "../csv/trades-csv.js";
import type { TriageConfig } from "./triage-config.js";
import { dayIn } from "../csv/zoned-time.js";

/** A call with what the engines found out about its audio. */
export interface TriageCall extends CallRow {
  /** Seconds of speech after the trim; null when not known. */
  speechS: number | null;
  /** False when the audio could not be decoded or processed. */
  audioUsable: boolean;
  endTime: Date;
}

/** A call with what triage derives from it, whatever the number of trades that look at it. */
export class IndexedCall {
  readonly call: TriageCall;
  /** In capitals; by the call's row, else by its extension; null when neither tells. */
  readonly dealer: string | null;
  readonly #config: TriageConfig;
  #lastDay: string | null = null;

  constructor(call: TriageCall, dealer: string | null, config: TriageConfig) {
    this.call = call;
    this.dealer = dealer;
    this.#config = config;
  }

  get startMs(): number {
    return this.call.startTime.getTime();
  }

  get endMs(): number {
    return this.call.endTime.getTime();
  }

  /** Last trading day that the call reaches into, clock skew included: `YYYY-MM-DD`. */
  get lastDay(): string {
    const { clockSkewS, timeZone } = this.#config;
    return (this.#lastDay ??= dayIn(new Date(this.endMs + clockSkewS * 1000), timeZone));
  }
}

function add(map: Map<string, IndexedCall[]>, key: string | null, call: IndexedCall): void {
  if (key === null) return;
  const list = map.get(key);
  if (!list) map.set(key, [call]);
  else if (list.at(-1) !== call) list.push(call);
}

/** The dealer of each extension: as configured, else the only one that calls.csv names with it. One with two dealers has none. */
function dealersOfExtensions(calls: readonly TriageCall[], config: TriageConfig): Map<string, string> {
  const seen = new Map<string, Set<string>>();
  for (const { extension, dealerId } of calls) {
    if (extension === null || dealerId === null) continue;
    seen.set(extension, (seen.get(extension) ?? new Set()).add(dealerId.toUpperCase()));
  }
  const dealers = new Map<string, string>();
  for (const [extension, names] of seen) if (names.size === 1) for (const name of names) dealers.set(extension, name);
  const configured = new Map<string, Set<string>>();
  for (const [dealer, extensions] of Object.entries(config.dealerExtensions))
    for (const extension of extensions)
      configured.set(extension, (configured.get(extension) ?? new Set()).add(dealer.toUpperCase()));
  for (const [extension, names] of configured) {
    const [name, ...others] = names;
    if (name !== undefined && others.length === 0) dealers.set(extension, name);
    else dealers.delete(extension);
  }
  return dealers;
}

export class CallIndex {
  readonly #byPhone = new Map<string, IndexedCall[]>();
  readonly #byClient = new Map<string, IndexedCall[]>();
  readonly #byDealer = new Map<string, IndexedCall[]>();

  /** Only of calls that one of the trades may look up. */
  constructor(calls: readonly TriageCall[], trades: readonly TradeRow[], config: TriageConfig) {
    const dealers = dealersOfExtensions(calls, config);
    const phones = new Set(trades.flatMap(({ clientPhones }) => clientPhones));
    const clients = new Set(trades.map(({ clientCode }) => clientCode));
    // Only where no phone of the client is known do calls of the dealer count.
    const desks = new Set(
      trades.flatMap(({ clientPhones, dealerId }) => (clientPhones.length > 0 ? [] : [dealerId.toUpperCase()])),
    );
    const known = (keys: ReadonlySet<string>, key: string | null): string | null =>
      key !== null && keys.has(key) ? key : null;
    for (const call of calls) {
      const byExtension = call.extension === null ? null : (dealers.get(call.extension) ?? null);
      const dealer = call.dealerId?.toUpperCase() ?? byExtension;
      const caller = known(phones, call.callerNumber);
      const callee = known(phones, call.calleeNumber);
      const client = known(clients, call.clientCode);
      const desk = known(desks, dealer);
      if (caller === null && callee === null && client === null && desk === null) continue;
      const indexed = new IndexedCall(call, dealer, config);
      add(this.#byPhone, caller, indexed);
      add(this.#byPhone, callee, indexed);
      add(this.#byClient, client, indexed);
      add(this.#byDealer, desk, indexed);
    }
  }

  /** Calls with one of the phones on either side, or with the client's code; each once. */
  ofClient(phones: readonly string[], clientCode: string): Set<IndexedCall> {
    const found = new Set(this.#byClient.get(clientCode));
    for (const phone of phones) for (const call of this.#byPhone.get(phone) ?? []) found.add(call);
    return found;
  }

  ofDealer(dealerId: string): readonly IndexedCall[] {
    return this.#byDealer.get(dealerId.toUpperCase()) ?? [];
  }
}
