/** Which stages run side by side. */
import { isStageName } from "@cofi/event-log/stages";
import type { Runtime } from "../runtime/runtime.js";
import type { PipelineSettings } from "../settings.js";
import type { Stage } from "./stage.js";

type Flow = PipelineSettings["flow"];

/** Names of this machine. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The stages in their order, those together that run side by side. */
export function legsOf(
  pipeline: readonly Stage[],
  flow: Flow,
  runtime: Pick<Runtime, "machinesOf">,
): readonly (readonly Stage[])[] {
  const legs: Stage[][] = [];
  for (const stage of pipeline) {
    const leg = legs.at(-1);
    if (leg && canJoin(stage, leg, flow, runtime)) leg.push(stage);
    else legs.push([stage]);
  }
  return legs;
}

function canJoin(stage: Stage, leg: readonly Stage[], flow: Flow, runtime: Pick<Runtime, "machinesOf">): boolean {
  if (!stage.followsFiles || flow === "stages") return false;
  if (flow === "pipelined") return true;
  // On machines that they share, stages side by side would only take the processors from each other.
  const machines = machinesOf(stage, runtime);
  return leg.every((other) => machinesOf(other, runtime).every((machine) => !machines.includes(machine)));
}

function machinesOf({ name }: Stage, runtime: Pick<Runtime, "machinesOf">): readonly string[] {
  if (!isStageName(name)) return [];
  return runtime.machinesOf(name).map((machine) => (LOOPBACK.test(machine) ? "localhost" : machine));
}
