/**
 * What events say of hosts beside their files, in the order of their ids: as numbers, because hosts that come and go make
 * thousands in a night. Words are read from the events when somebody looks at them.
 */
import { HOST_NEWS, type HostNewsKind } from "@cofi/event-log/event-metadata";
import { GrowableArray } from "./growable-array.js";

export interface NewsFilter {
  /** Index of the host. */
  host?: number | undefined;
  /** Index of the stage. */
  stage?: number | undefined;
  kinds?: readonly HostNewsKind[] | undefined;
}

export interface NewsPage {
  /** Newest first. */
  ids: number[];
  total: number;
  older: number;
  /** By kind, of all kinds. */
  counts: number[];
}

export class HostNewsList {
  readonly #ids = new GrowableArray(Float64Array);
  readonly #hosts = new GrowableArray(Uint16Array);
  readonly #stages = new GrowableArray(Uint8Array);
  readonly #kinds = new GrowableArray(Uint8Array);
  #length = 0;

  add(id: number, host: number, stage: number, kind: HostNewsKind): void {
    let place = this.#length++;
    // Ids mostly come ascending; a late one goes to its place.
    for (; place > 0 && this.#ids.get(place - 1) > id; place--) this.#copy(place - 1, place);
    this.#ids.set(place, id);
    this.#hosts.set(place, host);
    this.#stages.set(place, stage);
    this.#kinds.set(place, HOST_NEWS.indexOf(kind));
  }

  #copy(from: number, to: number): void {
    for (const column of [this.#ids, this.#hosts, this.#stages, this.#kinds]) column.set(to, column.get(from));
  }

  /** Those with a lower id than `before`, at most `limit`. */
  page({ host, stage, kinds }: NewsFilter, before: number, limit: number): NewsPage {
    const asked = new Set((kinds ?? HOST_NEWS).map((kind) => HOST_NEWS.indexOf(kind)));
    const page: NewsPage = { ids: [], total: 0, older: 0, counts: HOST_NEWS.map(() => 0) };
    for (let place = this.#length - 1; place >= 0; place--) {
      if (host !== undefined && this.#hosts.get(place) !== host) continue;
      if (stage !== undefined && this.#stages.get(place) !== stage) continue;
      const kind = this.#kinds.get(place);
      page.counts[kind]! += 1;
      if (!asked.has(kind)) continue;
      page.total += 1;
      const id = this.#ids.get(place);
      if (id >= before) continue;
      if (page.ids.length < limit) page.ids.push(id);
      else page.older += 1;
    }
    return page;
  }
}
