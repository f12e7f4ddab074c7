/** The hosts of a stage as the pool knows them: their states, how they change, and whether any is left. */
import { hasRoom, isGood, newHost, type Host } from "./choice.js";
import { away, gone, noneIsFit, type Attempt, type HostChange, type PoolHost, type PoolOptions } from "./decisions.js";
import { isUsable, next, type HostEvent, type Trouble } from "./host-state.js";

/** Another run has left a host out `agoMs` ago, for `forMs` from now. `what`: as a sentence without its point. */
export interface LeftOutReport {
  what: string;
  agoMs: number;
  forMs: number;
}

/** A host that has not been heard of for so long, since it has files in work, is looked at, and again when that time has doubled. */
const SILENCE_MS = 5_000;

/** When a host is to be looked at. */
function lookAt({ state, work, isLooking, lastAnswerAt, busySince, lookedAt }: Host): number {
  if (state.condition === "gone" || isLooking) return Number.POSITIVE_INFINITY;
  if (state.needsLook) return state.pausedUntil;
  if (work.size === 0 || !isUsable(state)) return Number.POSITIVE_INFINITY;
  const since = Math.max(lastAnswerAt, busySince);
  return lookedAt <= since ? since + SILENCE_MS : 2 * lookedAt - since;
}

type Patience = Pick<PoolOptions, "firstPauseMs" | "mostRequestMs" | "mostWithoutHostMs" | "mayJoin">;

export class Hosts {
  readonly all: Host[];
  readonly #patience: Patience;
  readonly #changes: HostChange[] = [];
  /** Why a host could not be asked last. */
  #trouble: string | null = null;
  #lastGoodAt: number;
  /** Units waited for a host when it was decided last. */
  #isNeeded = false;

  /** `now`: as the caller's clock counts, in ms; so is every other time. */
  constructor(hosts: readonly PoolHost[], patience: Patience, now: number) {
    this.all = hosts.map((host) => newHost(host, now));
    this.#patience = patience;
    this.#lastGoodAt = now;
  }

  at(place: number): Host {
    return this.all[place]!;
  }

  /** Another host, or one that was gone and is back at its `place`. */
  join(host: PoolHost, now: number, place: number): void {
    this.all[place] = newHost(host, now, this.all[place]?.work);
  }

  /** The host has so many slots from now on. */
  resize(place: number, slots: number): void {
    const host = this.at(place);
    host.limit = Math.max(1, Math.min(slots, host.limit + Math.max(0, slots - host.slots)));
    host.slots = slots;
  }

  /** Files that the host has in work, and may have while its share stays as it is. `left`: no more than these. */
  workOn(place: number, left: number): { inWork: number; held: number } {
    const { work, share, slots, state } = this.at(place);
    const inWork = work.size;
    return { inWork, held: state.condition === "gone" ? inWork : Math.max(inWork, Math.min(share, slots, left)) };
  }

  /** Another run has left it out. */
  reported(place: number, { what, agoMs, forMs }: LeftOutReport, now: number): void {
    const { state, lastAnswerAt } = this.at(place);
    // It has answered here since.
    if (state.condition !== "joining" && lastAnswerAt > now - agoMs) return;
    this.tell(place, { is: "reported", what, forMs }, now);
  }

  /** Hosts that are to be looked at now; each is taken to be looked at from now on. */
  toLookAt(now: number): number[] {
    const due: number[] = [];
    this.all.forEach((host, place) => {
      if (lookAt(host) > now) return;
      host.isLooking = true;
      host.lookedAt = now;
      due.push(place);
    });
    return due;
  }

  /** A host was looked at: null when it can work, else why not. @returns whether it was left out before and is well now */
  looked(place: number, trouble: Trouble | null, now: number): boolean {
    const host = this.at(place);
    host.isLooking = false;
    if (isUsable(host.state)) {
      if (host.lastAnswerAt < host.lookedAt) this.#lookedInUse(place, trouble, now);
      return false;
    }
    const wasOut = host.state.condition !== "joining";
    this.#trouble = trouble?.why ?? this.#trouble;
    this.tell(place, { is: "looked", trouble }, now);
    return trouble === null && wasOut;
  }

  /** While it has files in work that it is silent about. */
  #lookedInUse(place: number, trouble: Trouble | null, now: number): void {
    const host = this.at(place);
    // An engine with one thread says nothing while it works on a file; but somebody takes the connection.
    host.isSilent = trouble !== null;
    if (trouble?.isUnreached && host.work.size > 0) this.tell(place, { is: "cut off", what: trouble.why }, now);
  }

  /** A host does not come back. */
  gone(place: number, why: string, now: number): void {
    this.at(place).isLooking = false;
    this.#trouble = why;
    this.tell(place, { is: "gone", why }, now);
  }

  /** It has answered, whatever it said about the file. */
  heard(place: number, now: number): void {
    this.#heardOf(place, now);
    this.#lastGoodAt = now;
    this.tell(place, { is: "answered" }, now);
  }

  /** It is busy, and named a pause or none: it gets half as much at once. */
  busy(place: number, forMs: number, now: number): void {
    const host = this.at(place);
    host.limit = Math.max(1, Math.floor(host.limit / 2));
    this.#heardOf(place, now);
    this.tell(place, { is: "busy", forMs }, now);
  }

  #heardOf(place: number, now: number): void {
    const host = this.at(place);
    host.lastAnswerAt = now;
    host.isSilent = false;
  }

  /** It is given a file. */
  give(place: number, attempt: Attempt, now: number): void {
    const host = this.at(place);
    if (host.work.size === 0) host.busySince = now;
    host.work.add(attempt);
  }

  tell(place: number, event: HostEvent, now: number): void {
    const host = this.at(place);
    const isLast = !this.all.some((other, index) => index !== place && isUsable(other.state));
    const { firstPauseMs } = this.#patience;
    const { state, change } = next(host.state, event, { now, isLast, firstPauseMs });
    // While requests were waited for, nobody asked what is to be done.
    if (isGood(host, now)) this.#lastGoodAt = now;
    host.state = state;
    if (change) this.#changes.push({ ...change, host: place });
    if (event.is === "unfit") this.#trouble = event.what;
  }

  /** It has been decided what is to be done now. `isNeeded`: units wait for a host, or are in work; else nobody waits for one either. */
  decided(now: number, isNeeded: boolean): void {
    if (!this.#isNeeded || this.all.some((host) => isGood(host, now))) this.#lastGoodAt = now;
    this.#isNeeded = isNeeded;
  }

  hasRoom(place: number, now: number): boolean {
    return hasRoom(this.at(place), now);
  }

  /** When something is to be decided although nothing happened. `isHeldUp`: units wait, and none is in work. */
  nextAt(now: number, isHeldUp: boolean): number {
    let at = isHeldUp ? this.#lastGoodAt + this.#patienceMs : Number.POSITIVE_INFINITY;
    for (const host of this.all) {
      const { state, isLooking } = host;
      if (state.condition === "gone" || isLooking) continue;
      if (state.pausedUntil > now) at = Math.min(at, state.pausedUntil);
      else if (!state.needsLook) at = Math.min(at, lookAt(host));
    }
    return at;
  }

  /** Why the stage cannot continue, in sentences; null while it can. `isHeldUp`: units wait, and none is in work. */
  hopeless(now: number, isHeldUp: boolean): string | null {
    const present = this.all.filter(({ state }) => state.condition !== "gone");
    const unfit = present.flatMap(({ state }) => state.unfit ?? []);
    if (present.length > 0 && unfit.length === present.length) return noneIsFit(unfit);
    if (!isHeldUp) return null;
    if (!this.#patience.mayJoin && this.all.every(({ state }) => state.condition === "gone"))
      return gone(this.all.length, this.#trouble);
    return now - this.#lastGoodAt < this.#patienceMs ? null : away(this.all, this.#trouble, this.#patienceMs);
  }

  /** Steps since this was asked last. */
  changes(): HostChange[] {
    return this.#changes.splice(0);
  }

  /** How long all hosts may be away; those that only ask for pauses are waited for as long as for an answer. */
  get #patienceMs(): number {
    const { mostWithoutHostMs, mostRequestMs } = this.#patience;
    return this.all.some(({ state }) => state.isBusy) ? Math.max(mostWithoutHostMs, mostRequestMs) : mostWithoutHostMs;
  }
}
