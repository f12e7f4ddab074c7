import { STAGES } from "@cofi/event-log/stages";

const STAGE_INDEX: ReadonlyMap<string, number> = new Map(STAGES.map(({ name }, index) => [name, index]));

/** Index of a stage in the stage table; undefined for one that it does not know. */
export function stageIndex(name: string): number | undefined {
  return STAGE_INDEX.get(name);
}
