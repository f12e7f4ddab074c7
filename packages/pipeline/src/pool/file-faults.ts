/**
 * Faults of hosts that may have been those of a file: one that no host can do must end, and one that was unlucky with its hosts
 * must not. A fault is held against a file only once its host has proven to be well: by an answer about another file, or by a look
 * after it was left out. What it takes for a fault of its settings only an answer disproves: it says to any look that it is well.
 */
import { EngineError } from "../hosts/engine-error.js";
import { isUnreached } from "./trouble.js";

interface Fault {
  host: number;
  error: Error;
  /** null where another attempt may have another end, wherever it is made: an answer that a model gave, an answer that did not come in time. */
  reason: string | null;
  isProven: boolean;
  /** It is never held against the file, and only makes it wait. */
  isOfOthers: boolean;
  isOfSetting: boolean;
}

/** A file that fails on so many hosts for the same reason is to blame itself. */
const HOSTS_FOR_THE_SAME_REASON = 2;

export class FileFaults {
  readonly #attempts: number;
  readonly #byUnit = new Map<number, Fault[]>();
  /** Units with faults of a host that it has not proven yet. */
  readonly #unproven = new Map<number, Set<number>>();

  /** `attempts`: faults that are held against a file, of whichever hosts and reasons, after which it is given up. */
  constructor(attempts: number) {
    this.#attempts = attempts;
  }

  /** Notes a failed attempt. @returns why the unit is to be given up now; null when it is to be tried again */
  note(unit: number, host: number, hosts: readonly { name: string }[], error: Error): string | null {
    const { type, fault } = error instanceof EngineError ? error : { type: error.name, fault: "answer" };
    if (fault === "busy" || isUnreached(error)) return null;
    const isProven = fault === "answer";
    const isOfOthers = fault === "elsewhere";
    const faults = this.#byUnit.get(unit) ?? [];
    this.#byUnit.set(unit, faults);
    const isOfSetting = fault === "setting";
    const isOfChance = isProven || isOfSetting || type === "timeout";
    faults.push({
      host,
      error,
      reason: isOfChance ? null : `${type} ${withoutNames(error.message, hosts)}`,
      isProven,
      isOfOthers,
      isOfSetting,
    });
    if (!isProven && !isOfOthers) this.#unprovenOf(host).add(unit);
    return this.verdict(unit);
  }

  /** A host has proven to be well. @returns the units that are to be given up, with the reason */
  proven(host: number, by: "answer" | "look"): { unit: number; why: string }[] {
    const units = this.#unproven.get(host);
    if (!units) return [];
    return [...units].flatMap((unit) => {
      const faults = (this.#byUnit.get(unit) ?? []).filter((fault) => fault.host === host);
      for (const fault of faults) fault.isProven ||= by === "answer" || !fault.isOfSetting;
      if (faults.every(({ isProven }) => isProven)) units.delete(unit);
      const why = this.verdict(unit);
      return why === null ? [] : [{ unit, why }];
    });
  }

  /** Whether the unit were to be given up, were this host proven to be well. */
  wouldEnd(unit: number, host: number): boolean {
    const faults = this.#byUnit.get(unit) ?? [];
    return this.#verdictOn(faults.filter((fault) => fault.isProven || fault.host === host)) !== null;
  }

  /** The error of the unit's last fault. @throws when it has none */
  lastOf(unit: number): Error {
    const last = this.#byUnit.get(unit)?.at(-1);
    if (!last) throw new Error(`Unit ${unit} is given up without a fault.`);
    return last.error;
  }

  /** Whether this host, or without one any, has failed with the unit. */
  hasFailed(unit: number, host?: number): boolean {
    const faults = this.#byUnit.get(unit);
    return host === undefined ? faults !== undefined : (faults?.some((fault) => fault.host === host) ?? false);
  }

  forget(unit: number): void {
    const faults = this.#byUnit.get(unit);
    if (!faults) return;
    this.#byUnit.delete(unit);
    for (const { host } of faults) this.#unproven.get(host)?.delete(unit);
  }

  #unprovenOf(host: number): Set<number> {
    const known = this.#unproven.get(host) ?? new Set();
    this.#unproven.set(host, known);
    return known;
  }

  /** Why the unit is to be given up, by what is held against it; null when it is not. */
  verdict(unit: number): string | null {
    return this.#verdictOn((this.#byUnit.get(unit) ?? []).filter(({ isProven }) => isProven));
  }

  #verdictOn(faults: readonly Fault[]): string | null {
    const proven = faults.filter(({ isOfOthers }) => !isOfOthers);
    const hosts = new Map<string, Set<number>>();
    for (const { host, reason } of proven) {
      if (reason === null) continue;
      const failed = hosts.get(reason) ?? new Set();
      hosts.set(reason, failed.add(host));
      if (failed.size >= HOSTS_FOR_THE_SAME_REASON)
        return `it failed on ${failed.size} hosts for the same reason, and these answer about other files`;
    }
    return proven.length >= this.#attempts ? `its ${proven.length} attempts failed (COFI_ATTEMPTS)` : null;
  }
}

/** What went wrong, whichever host it was and however long it took. */
function withoutNames(message: string, hosts: readonly { name: string }[]): string {
  let text = message;
  for (const { name } of hosts) text = text.replaceAll(name, "");
  return text.replace(/\d+/g, "");
}
