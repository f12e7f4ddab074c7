/** Searches the payloads and responses of a stage, one after the other: they are in no index. */
import type { LogEventDetail } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";

export interface BodySearch {
  batchId: number;
  stage: string;
  /** As it stands in the text, in any case. */
  text: string;
  /** The highest id that is looked at. */
  upToId: number;
}

/** The first place in a payload or response. */
export interface BodyHit {
  eventId: number;
  fileName: string | null;
  part: "payload" | "response";
  /** With the text around it; `…` stands for the rest. */
  excerpt: string;
  /** Where in the excerpt, in UTF-16 units: from, and up to. */
  mark: [start: number, end: number];
}

/** What has happened so far. */
export interface BodyProgress {
  events: number;
  found: number;
  /** Of the ids up to the last one, 0 to 1. */
  share: number;
  /** As many were found as are shown: the search has ended before the last event. */
  isCutOff: boolean;
}

/** Events whose texts are in memory at a time: one may be of megabytes. */
const PAGE = 50;
/** Characters around what was found. */
const AROUND = 80;
/** Whoever finds more than this narrows the search. */
export const MOST_HITS = 1_000;

/**
 * What was found, and after each page how far it is, until the last event or {@link MOST_HITS}.
 * @throws DatabaseUnavailableError
 */
export async function* searchBodies(
  store: Store,
  { batchId, stage, text, upToId }: BodySearch,
): AsyncGenerator<BodyHit[] | BodyProgress> {
  const wanted = new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), "iu");
  let [events, found, after, first] = [0, 0, 0, 0];
  for (;;) {
    const page = await store.exportedEvents(batchId, { stage }, { after, upToId, limit: PAGE, bodies: true });
    const hits = (page as LogEventDetail[]).flatMap((event) => hitsIn(event, wanted)).slice(0, MOST_HITS - found);
    if (hits.length > 0) yield hits;
    events += page.length;
    found += hits.length;
    first ||= page[0]?.id ?? upToId;
    after = page.at(-1)?.id ?? upToId;
    const isEnd = page.length < PAGE;
    const isCutOff = !isEnd && found >= MOST_HITS;
    const share = isEnd || upToId <= first ? 1 : (after - first) / (upToId - first);
    yield { events, found, share, isCutOff };
    if (isEnd || isCutOff) return;
  }
}

function hitsIn({ id, fileName, payload, response }: LogEventDetail, wanted: RegExp): BodyHit[] {
  return Object.entries({ payload, response }).flatMap(([part, stored]): BodyHit[] => {
    // Writers in other languages write letters of other scripts as numbers.
    const body = stored?.replaceAll(/\\u([\da-f]{4})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
    const match = body === undefined ? null : wanted.exec(body);
    if (!body || !match) return [];
    const [from, to] = [match.index - AROUND, match.index + match[0].length + AROUND];
    const before = (from > 0 ? "…" : "") + body.slice(Math.max(0, from), match.index);
    const excerpt = before + body.slice(match.index, to) + (to < body.length ? "…" : "");
    return [
      {
        eventId: id,
        fileName,
        part: part as BodyHit["part"],
        excerpt,
        mark: [before.length, before.length + match[0].length],
      },
    ];
  });
}
