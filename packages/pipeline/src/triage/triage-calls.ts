/** The calls of a batch as triage looks them up: by phone number, client code and dealer, never one by one. */
import type { CallRow } from "../csv/calls-csv.js";
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

/** A call with what triage derives from it once, whatever the number of trades that look at it. */
export interface IndexedCall {
  call: TriageCall;
  startMs: number;
  endMs: number;
  /** Last trading day that the call reaches into, clock skew included: `YYYY-MM-DD`. */
  lastDay: string;
  /** In capitals; by the call's row, else by its extension; null when neither tells. */
  dealer: string | null;
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

  constructor(calls: readonly TriageCall[], config: TriageConfig) {
    const dealers = dealersOfExtensions(calls, config);
    for (const call of calls) {
      const endMs = call.endTime.getTime();
      const indexed: IndexedCall = {
        call,
        startMs: call.startTime.getTime(),
        endMs,
        lastDay: dayIn(new Date(endMs + config.clockSkewS * 1000), config.timeZone),
        dealer:
          call.dealerId?.toUpperCase() ?? (call.extension === null ? null : (dealers.get(call.extension) ?? null)),
      };
      add(this.#byPhone, call.callerNumber, indexed);
      add(this.#byPhone, call.calleeNumber, indexed);
      add(this.#byClient, call.clientCode, indexed);
      add(this.#byDealer, indexed.dealer, indexed);
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
