/** A batch on machines of a lab: hosts that can be killed and started again, `cofi run` on a machine of its own, and what the log says of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openDatabase, type Database } from "@cofi/event-log/database";
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { startCofi } from "../support/cofi.js";
import type { Machine } from "../support/network-lab.js";

const LOOK_EVERY_MS = 50;

/** The stages that engines do, in their order. */
export const ENGINES = STAGES.filter(({ kind }) => kind === "engine").map(({ name }) => name as string);

/** Programs on a machine that end with this process. */
export class LabHost {
  readonly machine: Machine;
  readonly #commands: readonly (readonly string[])[];
  readonly #env: NodeJS.ProcessEnv;
  #running: { child: ChildProcess; ended: Promise<unknown> }[] = [];

  /** `commands`: each prints a line when it can be asked, and ends when its standard input does. */
  constructor(machine: Machine, commands: readonly (readonly string[])[], env: NodeJS.ProcessEnv = {}) {
    this.machine = machine;
    this.#commands = commands;
    this.#env = env;
  }

  /** Resolves when all of them can be asked. @throws Error when one ends before */
  async start(): Promise<void> {
    const { PATH, HOME } = process.env;
    await Promise.all(
      this.#commands.map(async (command) => {
        const [file = "", ...args] = [...this.machine.on, process.execPath, ...command];
        const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env: { PATH, HOME, ...this.#env } });
        const ended = once(child, "close");
        this.#running.push({ child, ended });
        const early = ended.then(() =>
          Promise.reject(new Error(`${command.join(" ")} ended before it could be asked.`)),
        );
        await Promise.race([once(child.stdout, "data"), early]);
        early.catch(() => undefined);
      }),
    );
  }

  async kill(): Promise<void> {
    await Promise.all(
      this.#running.splice(0).map(({ child, ended }) => {
        child.kill("SIGKILL");
        return ended;
      }),
    );
  }
}

interface NightOptions<T> {
  /** Where `cofi run` runs. */
  on: Machine;
  folder: string;
  /** Of its own. */
  dataDir: string;
  /** The hosts of a stage. */
  urlsOf: (stage: string) => readonly string[];
  settings: Record<string, string>;
  /** What a test does at its end, however it ends. */
  closing: (() => Promise<unknown>)[];
  /** Happens meanwhile. `asked` resolves when the log says that a machine is asked about a file. */
  trouble: (asked: (machine: Machine, stage: string) => Promise<void>) => Promise<T>;
}

/** Runs a batch to its end. `met` is null where it ended before what was to happen had. */
export async function nightInLab<T>({ on, folder, dataDir, urlsOf, settings, closing, trouble }: NightOptions<T>) {
  const urls = ENGINES.map((stage) => [`COFI_ENGINE_${stage.toUpperCase()}_URLS`, urlsOf(stage).join()]);
  const started = performance.now();
  const env = { COFI_DATA_DIR: dataDir, ...(Object.fromEntries(urls) as object), ...settings };
  const cofi = startCofi(["run", folder], env, undefined, on.on);
  closing.push(() => {
    cofi.kill("SIGKILL");
    return cofi.ended;
  });
  const end = new AbortController();
  const over = cofi.ended.then(() => {
    end.abort();
    return null;
  });
  const read = (database: Database): Promise<LogEvent[]> =>
    new Store(database).batchEventsAfter(1, 0, Number.MAX_SAFE_INTEGER, 1_000_000);
  const asked = async ({ address }: Machine, stage: string): Promise<void> => {
    // It prints the name of the first stage when the database is there.
    await cofi.printed(/ …\n/);
    const database = await openDatabase(`sqlite:${join(dataDir, "cofi.sqlite")}`);
    try {
      const isIt = (event: LogEvent): boolean =>
        event.stage === stage && event.eventType === "file_start" && event.gpuIp === address;
      while (!end.signal.aborted && !(await read(database)).some(isIt)) await pause(LOOK_EVERY_MS);
    } finally {
      await database.close();
    }
  };
  const [code, met] = await Promise.all([cofi.ended, Promise.race([trouble(asked), over])]);
  const tookMs = performance.now() - started;
  const database = await openDatabase(`sqlite:${join(dataDir, "cofi.sqlite")}`);
  try {
    const events = await read(database);
    const trades = await new Results(database).trades(1);
    const verdicts = trades.map(({ tradeId, verdict, verdictCallId, verdictReason }) =>
      [tradeId, verdict, verdictCallId, verdictReason].join(" | "),
    );
    const failures = events.filter(({ eventType }) => eventType === "error").length;
    return { code, met, output: cofi.output(), tookMs, events, failures, verdicts, done: doneIn(events) };
  } finally {
    await database.close();
  }
}

/** How often each recording was done in each stage. */
function doneIn(events: readonly LogEvent[]): Map<string, number> {
  const done = new Map<string, number>();
  for (const { eventType, stage, fileName } of events) {
    const key = `${stage} ${fileName}`;
    if (eventType === "file_complete" && fileName?.endsWith(".wav")) done.set(key, (done.get(key) ?? 0) + 1);
  }
  return done;
}

interface Change {
  url: string;
  to: string;
}

/** What happened to a host, by the clock. */
export interface Moments {
  ill: number;
  well: number;
}

/** How a host was left out and came back. */
export function absence(events: readonly LogEvent[], { address }: Machine, { ill, well }: Moments) {
  const changes = events.flatMap(({ id, timestamp, metadata }) => {
    const change = (metadata as { host?: Change } | null)?.host;
    return change && new URL(change.url).hostname === address ? [{ id, at: Date.parse(timestamp), to: change.to }] : [];
  });
  const ejected = changes.find(({ at, to }) => at >= ill && to === "ejected");
  const back = changes.find(({ at, to }) => at >= well && to === "healthy");
  const isFault = ({ id, timestamp, gpuIp, eventType, metadata }: LogEvent): boolean => {
    const at = Date.parse(timestamp);
    const isOf = gpuIp === address && at >= ill && at <= well && id < (ejected?.id ?? Number.POSITIVE_INFINITY);
    // One that was silent until another host had answered is at fault, too.
    return isOf && (eventType === "error" || "outrun" in ((metadata ?? {}) as object));
  };
  return { isLeftOut: ejected !== undefined, faults: events.filter(isFault).length, backMs: back && back.at - well };
}
