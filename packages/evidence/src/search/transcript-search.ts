/** Searches what was said in calls, over one batch or all. */
import type { WordSequence } from "@cofi/event-log/database";
import type { TranscriptSegment } from "../records.js";
import { ResultStore, storedJson } from "../result-store.js";
import { termsOf, type Term } from "./query.js";

import { sentencesWith, type Sentence } from "./sentences.js";
import { batchWord, indexed, indexedBeginning, indexText } from "./words.js";

export { MOST_CHARACTERS } from "./query.js";

export interface TranscriptQuery {
  text: string;
  /** All batches, where it is left out. */
  batchId?: number | undefined;
  /** Where the page before has ended. */
  after?: number | null;
  /** Calls. */
  limit: number;
}

export interface FoundCall {
  batchId: number;
  callId: string;
  fileName: string | null;
  /** The first ones; {@link count} says how many there are. */
  sentences: Sentence[];
  count: number;
}

export interface FoundCalls {
  /** Those transcribed last come first. */
  calls: FoundCall[];
  /** The `after` of the next page; null on the last. */
  next: number | null;
}

/** Sentences shown of a call. */
const SENTENCES = 3;
/** Transcripts of earlier versions that are read at a time. */
const AT_ONCE = 20;

export class TranscriptSearch extends ResultStore {
  /** @throws DatabaseUnavailableError */
  async find({ text, batchId, after = null, limit }: TranscriptQuery): Promise<FoundCalls> {
    const terms = termsOf(text);
    if (terms.length === 0) return { calls: [], next: null };
    const sequences = [
      ...(batchId === undefined ? [] : [{ words: [batchWord(batchId)], isOpen: false }]),
      ...terms.map(inIndex),
    ];
    const calls: FoundCall[] = [];
    let next = after;
    do {
      const wanted = limit - calls.length;
      const select = this.database.dialect.transcriptsWith(sequences, { before: next, limit: wanted });
      const { rows } = await this.query(() => select.execute(this.database.kysely));
      const ids = rows.map(({ id }) => Number(id));
      next = ids.length < wanted ? null : (ids.at(-1) ?? null);
      calls.push(...(await this.#calls(ids, terms)));
    } while (calls.length < limit && next !== null);
    return { calls, next };
  }

  /** How many transcripts of earlier versions cannot be found yet. */
  async unindexed(): Promise<number> {
    const select = this.database.kysely
      .selectFrom("transcript")
      .select(({ fn }) => fn.countAll<number | string>().as("count"))
      .where("isIndexed", "=", 0);
    return Number((await this.query(() => select.executeTakeFirst()))?.count ?? 0);
  }

  /** Indexes some of those of earlier versions, which others may do, too: what was said does not change. @returns false when there was none */
  async indexSome(): Promise<boolean> {
    const { kysely } = this.database;
    const select = kysely.selectFrom("transcript").select(["id", "batchId", "text", "segments"]);
    const rows = await this.query(() => select.where("isIndexed", "=", 0).limit(AT_ONCE).execute());
    for (const { id, batchId, text, segments } of rows) {
      const words = wordsOfTranscript(batchId, text, storedJson<TranscriptSegment[]>(segments) ?? []);
      const update = kysely.updateTable("transcript").set({ words, isIndexed: 1 });
      await this.query(() => update.where("id", "=", id).where("isIndexed", "=", 0).execute());
    }
    return rows.length > 0;
  }

  async #calls(ids: readonly number[], terms: readonly Term[]): Promise<FoundCall[]> {
    if (ids.length === 0) return [];
    const select = this.database.kysely
      .selectFrom("transcript")
      .leftJoin("callRecord", (join) =>
        join
          .onRef("callRecord.batchId", "=", "transcript.batchId")
          .onRef("callRecord.callId", "=", "transcript.callId"),
      )
      .select(["transcript.id", "transcript.batchId", "transcript.callId", "callRecord.fileName"])
      .select(["transcript.segments", "transcript.text"])
      .where("transcript.id", "in", [...ids]);
    const rows = new Map((await this.query(() => select.execute())).map((row) => [Number(row.id), row]));
    return ids.flatMap((id): FoundCall[] => {
      const row = rows.get(id);
      if (!row) return [];
      const sentences = sentencesWith(terms, segmentsOf(row.text, storedJson<TranscriptSegment[]>(row.segments) ?? []));
      if (!sentences) return [];
      const { batchId, callId, fileName } = row;
      return [{ batchId, callId, fileName, sentences: sentences.slice(0, SENTENCES), count: sentences.length }];
    });
  }
}

/** What stands in the column `words` of a transcript. */
export function wordsOfTranscript(batchId: number, text: string, segments: readonly TranscriptSegment[]): string {
  return indexText(
    batchId,
    segmentsOf(text, segments).map((segment) => segment.text),
  );
}

/** Engines may give the text as a whole only. */
function segmentsOf(text: string, segments: readonly TranscriptSegment[]): readonly TranscriptSegment[] {
  return segments.length > 0 ? segments : [{ id: 0, start_s: 0, end_s: 0, text, confidence: null }];
}

function inIndex({ words, isOpen }: Term): WordSequence {
  const last = words.length - 1;
  return {
    words: words.map((word, at) => (isOpen && at === last ? indexedBeginning(word) : indexed(word))),
    isOpen,
  };
}
