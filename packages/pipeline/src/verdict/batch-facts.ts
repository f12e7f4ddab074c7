/** What a batch knows beside a single order: its clients, and the prices and expiries of its contracts. */
import type { Order } from "../triage/orders.js";
import { ClientCodes } from "./client-comparison.js";
import { plain } from "./contract-comparison.js";
import { expiryIn } from "./expiry.js";
import type { Known } from "./executed-order.js";
import type { VerdictCall } from "./verdict-call.js";

export class BatchFacts {
  readonly #clients: ClientCodes;
  readonly #prices = new Map<string, { low: number; high: number }>();
  readonly #expiries = new Map<string, Set<string>>();

  /** `clients` are codes that the batch knows beside those of the orders. */
  constructor(orders: Iterable<Order>, clients: Iterable<string>) {
    const codes = new Set(clients);
    for (const order of orders) {
      codes.add(order.clientCode);
      for (const { price } of order.fills) this.#note(order, price);
      const expiry = order.expiry === null ? null : expiryIn(order.expiry);
      if (expiry === null) continue;
      const known = this.#expiries.get(kindKey(order));
      if (known) known.add(expiry);
      else this.#expiries.set(kindKey(order), new Set([expiry]));
    }
    this.#clients = new ClientCodes(codes);
  }

  #note(order: Order, price: number): void {
    const key = contractKey(order);
    const known = this.#prices.get(key);
    if (!known) this.#prices.set(key, { low: price, high: price });
    else {
      known.low = Math.min(known.low, price);
      known.high = Math.max(known.high, price);
    }
  }

  /** What the verdict on an order needs of all this. */
  about(order: Order, calls: readonly VerdictCall[]): Known {
    const heard = calls.flatMap(({ clientCode, trades }) => [
      clientCode,
      ...(trades ?? []).map(({ client_code: code }) => code),
    ]);
    const codes = new Set(
      heard.flatMap((code) => (code === null || plain(code) === plain(order.clientCode) ? [] : [plain(code)])),
    );
    const nearest = [...codes]
      .toSorted()
      .map((code) => [code, this.#clients.nearestOther(code, order.clientCode)] as const);
    return {
      prices: this.#prices.get(contractKey(order)) ?? null,
      expiries: [...(this.#expiries.get(kindKey(order)) ?? [])].toSorted(),
      otherClients: Object.fromEntries(
        nearest.flatMap(([code, other]) => (other === undefined ? [] : [[code, other]])),
      ),
    };
  }
}

function contractKey({ symbol, instrument, expiry, strike, optionType }: Order): string {
  return JSON.stringify([plain(symbol), instrument, expiry, strike, optionType]);
}

function kindKey({ symbol, instrument }: Order): string {
  return JSON.stringify([plain(symbol), instrument]);
}
