import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import type { LoggedVerdict } from "@cofi/evidence/verdict-records";
import { explain, inWords } from "@cofi/pipeline/explain";
import { recompute, type VerdictRecord } from "@cofi/pipeline/recompute";
import type { LoggedTriage } from "@cofi/pipeline/triage";
import { withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber, namedBatch } from "../named-batch.js";
import { print } from "../print.js";

interface Options {
  batch?: string;
  all?: true;
}

/** Verdicts whose events are in memory at once. */
const PAGE = 100;

/** `cofi explain <trade>`: why a trade has its verdict, from the log alone, and whether it comes out the same again. */
export async function explainCommand(trade: string | undefined, options: Options): Promise<void> {
  if ((trade === undefined) === (options.all === undefined))
    throw new CommandError("Give the id of a trade, or --all for all trades of the batch.", EXIT.usage);
  const number = batchNumber(options.batch);
  await withStore(async (store, database) => {
    const batch = await namedBatch(store, number);
    const log = new VerdictLog(store, new Results(database), batch);
    const isSame = trade === undefined ? await log.explainAll() : await log.explainOne(trade);
    if (!isSame) process.exitCode = EXIT.failed;
  });
}

class VerdictLog {
  readonly #store: Store;
  readonly #results: Results;
  readonly #batch: Batch;

  constructor(store: Store, results: Results, batch: Batch) {
    this.#store = store;
    this.#results = results;
    this.#batch = batch;
  }

  /** @returns false when the verdict does not come out the same */
  async explainOne(tradeId: string): Promise<boolean> {
    const { id, name } = this.#batch;
    const history = await this.#results.verdictHistory(id, tradeId);
    const answer = (await this.#store.answers(id, "triaging", [tradeId])).get(tradeId);
    if (history.length === 0 && !answer)
      throw new CommandError(`The log of batch ${id} (${name}) has no trade ${tradeId}.`, EXIT.usage);
    const logged = history.find(({ history: isLate }) => !isLate);
    const [record = null] = logged ? await this.#records([logged]) : [];
    const recomputed = record && recompute(record);
    const runs = await this.#store.runs(id);
    print(`Batch ${id}: ${name}`);
    const lines = explain({
      tradeId,
      triage: answer ? { eventId: answer.eventId, result: answer.response as unknown as LoggedTriage } : null,
      history,
      record,
      recomputed,
      versions: new Map(runs.map(({ run, version }) => [run, version])),
    });
    for (const line of lines) print(line);
    return recomputed?.outcome !== "differs";
  }

  /** @returns false when one of the verdicts does not come out the same */
  async explainAll(): Promise<boolean> {
    const { id, name } = this.#batch;
    const counts = { same: 0, differs: 0, impossible: 0 };
    const verdicts = [...(await this.#results.verdictsInForce(id)).values()];
    for (let start = 0; start < verdicts.length; start += PAGE)
      for (const record of await this.#records(verdicts.slice(start, start + PAGE))) {
        const recomputed = recompute(record);
        counts[recomputed.outcome] += 1;
        if (recomputed.outcome === "differs") print(`${record.logged.tradeId}: ${inWords(recomputed)}`);
      }
    print(
      `Batch ${id}: ${name}. ${verdicts.length} verdicts in the log, recomputed from it: ` +
        `${counts.same} the same, ${counts.differs} different.`,
    );
    if (counts.impossible > 0)
      print(`${counts.impossible} cannot be recomputed, because the log does not hold all that they rest on any more.`);
    return counts.differs === 0;
  }

  /** The verdicts with what the log holds of their basis. */
  async #records(verdicts: readonly LoggedVerdict[]): Promise<VerdictRecord[]> {
    const { id } = this.#batch;
    const ids = new Set(verdicts.flatMap(idsOf));
    const bodies = await this.#results.bodiesOf(id, [...ids]);
    const changes = await this.#store.changes(id);
    const configurations = new Map((await this.#store.runs(id)).map(({ run, configuration }) => [run, configuration]));
    return verdicts.map((logged) => ({
      logged,
      payloadOf: (eventId) => bodies.get(eventId ?? 0)?.payload ?? null,
      responseOf: (eventId) => bodies.get(eventId ?? 0)?.response ?? null,
      changeOf: (fileName) => changes.get(fileName) ?? null,
      configuration: configurations.get(logged.restsOn.run) ?? null,
    }));
  }
}

function idsOf({ basisEventId, restsOn }: LoggedVerdict): number[] {
  const ofCalls = restsOn.calls.flatMap(({ fileDistribution, stt, llm1, llm2 }) => [fileDistribution, stt, llm1, llm2]);
  return [basisEventId, restsOn.triaging, ...ofCalls].filter((id) => id !== null);
}
