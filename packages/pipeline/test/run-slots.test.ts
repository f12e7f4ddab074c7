/** How the slots of engines are divided among all who use them in a run, and how the engines are had once for all of these. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { HostShares } from "@cofi/event-log/host-shares";
import { engineName, RunSlots, type SlotUser } from "@cofi/pipeline/run-slots";
import { EngineStartError, type EngineHost, type Runtime } from "@cofi/pipeline/runtime/runtime";
import { StartedOnce } from "@cofi/pipeline/runtime/started-once";
import { SlotQueue } from "@cofi/pipeline/slot-queue";
import { freshDatabase } from "../../../test/support/databases.js";

const ready = (): Promise<void> => Promise.resolve();
const hostOf = (slots: number, isShared: boolean): EngineHost => {
  return { name: "a", key: "a#0", url: "http://a", files: null, slots, isShared, ready, look: ready };
};
const never = new AbortController().signal;

/** A stage that has any number of files for one host. */
class Stage implements SlotUser {
  readonly isUrgent = false;
  readonly #host: EngineHost;
  inWork = 0;
  slots = 0;

  constructor(host: EngineHost) {
    this.#host = host;
  }

  get name(): string {
    return engineName("denoise", this.#host);
  }

  engines(): string[] {
    return [this.name];
  }

  wishOf() {
    const { slots, isShared = false } = this.#host;
    const held = Math.max(this.inWork, Math.min(this.slots, slots));
    return { slots, isShared, wanted: slots, mayWant: slots, held, inWork: this.inWork };
  }

  share(_engine: string, slots: number): void {
    this.slots = slots;
  }
}

test("whoever uses an engine in a run: together they have no more in work than its slots, and who is waited for is first", async () => {
  const fresh = await freshDatabase("sqlite");
  const write = <T>(work: () => Promise<T>): Promise<T> => work();
  const run = { batchId: 1, run: 1, owner: "o" };
  const step = fc.constantFrom("take", "give back", "begin", "begin", "end");
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (slots, steps) => {
      const host = hostOf(slots, false);
      const shares = new HostShares(fresh.database);
      const room = new RunSlots({ shares, run, persist: write, write, signal: never });
      const queue = new SlotQueue("denoise", room);
      const stage = new Stage(host);
      await room.join(stage);
      await room.join(queue);
      expect(stage.slots).toBe(slots);
      const had: (() => void)[] = [];
      let waiting = 0;
      for (const next of steps) {
        if (next === "take") {
          waiting += 1;
          void queue.take(host, new AbortController().signal).then((giveBack) => (had.push(giveBack), (waiting -= 1)));
        } else if (next === "give back") had.shift()?.();
        else if (next === "begin") stage.inWork += Number(stage.inWork < stage.slots);
        else if (stage.inWork > 0) {
          stage.inWork -= 1;
          room.freed(stage.name);
        }
        await new Promise((resolve) => setImmediate(resolve));
        expect(had.length + stage.inWork).toBeLessThanOrEqual(slots);
        // Nothing is begun by the stage while others wait, and no slot is left without use.
        if (waiting > 0) expect([had.length + stage.inWork, stage.slots <= stage.inWork]).toEqual([slots, true]);
        else expect(stage.slots).toBe(slots - had.length);
      }
      await room.close();
    }),
    { numRuns: 200 },
  );
  await fresh.close();
});

test("a slot that is not waited for any longer goes to whoever is next", async () => {
  const fresh = await freshDatabase("sqlite");
  const write = <T>(work: () => Promise<T>): Promise<T> => work();
  const run = { batchId: 1, run: 1, owner: "o" };
  const room = new RunSlots({ shares: new HostShares(fresh.database), run, persist: write, write, signal: never });
  const queue = new SlotQueue("denoise", room);
  await room.join(queue);
  const host = hostOf(1, false);
  const giveBack = await queue.take(host, never);
  const leaving = new AbortController();
  const left = queue.take(host, leaving.signal);
  const next = queue.take(host, never);
  leaving.abort(new Error("It leaves."));
  await expect(left).rejects.toThrow("It leaves.");
  giveBack();
  giveBack();
  (await next)();
  await expect(queue.take(host, leaving.signal)).rejects.toThrow("It leaves.");
  expect([...queue.engines()]).toEqual([]);
  await room.close();
  await fresh.close();
});

interface Started {
  runtime: Runtime;
  heard: string[];
  steps: string[];
  /** Has the start end well. */
  go: () => void;
}

/** A runtime whose engines start when they are let. */
function startable(): Started {
  const steps: string[] = [];
  const heard: string[] = [];
  const started: Started = { steps, heard, go: () => undefined, runtime: undefined as unknown as Runtime };
  const start: Runtime["start"] = (_stage, _batch, listener, signal) => {
    steps.push("starts");
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new EngineStartError("It was stopped.")));
      started.go = () => {
        listener.info("started", {});
        const stop = (): Promise<void> => {
          steps.push("stops");
          listener.info("stopped", {});
          return Promise.resolve();
        };
        resolve({ hosts: [hostOf(1, false)], stop });
      };
    });
  };
  started.runtime = new StartedOnce({ start, machinesOf: () => ["a"] });
  return started;
}

function use({ runtime, heard }: Started, name: string, signal = never) {
  const told = (message: string): void => void heard.push(`${name}: ${message}`);
  return runtime.start("denoise", 1, { info: told, error: told }, signal);
}

test("engines that two use are started once, end with the last, and are started anew for whoever comes later", async () => {
  const started = startable();
  const both = [use(started, "stage"), use(started, "other")];
  started.go();
  const [stage, other] = await Promise.all(both);
  expect(other?.hosts).toHaveLength(1);
  await stage?.stop();
  expect(started.steps).toEqual(["starts"]);
  await Promise.all([other?.stop(), other?.stop()]);
  expect(started.steps).toEqual(["starts", "stops"]);
  expect(started.heard).toEqual(["stage: started", "other: stopped"]);
  const later = use(started, "later");
  started.go();
  await (await later).stop();
  expect(started.steps).toEqual(["starts", "stops", "starts", "stops"]);
});

test("a start that nobody waits for any longer is cut short, and one that somebody waits for is not", async () => {
  const started = startable();
  const [first, second] = [new AbortController(), new AbortController()];
  const both = [use(started, "first", first.signal), use(started, "second", second.signal)];
  first.abort(new Error("First leaves."));
  await expect(both[0]).rejects.toThrow("First leaves.");
  second.abort(new Error("Second leaves."));
  await expect(both[1]).rejects.toThrow();
  const again = use(started, "again");
  // The one that was cut short has ended before.
  await new Promise((resolve) => setImmediate(resolve));
  started.go();
  await (await again).stop();
  expect(started.steps).toEqual(["starts", "starts", "stops"]);
});
