/** Which host a file tries next: the scheduler against hosts that hang, lie, are slow, come and go. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineError } from "@cofi/pipeline/engine-error";
import {
  bound,
  callLengths,
  hostError,
  simulate,
  type Conduct,
  type SimulatedHost,
} from "@cofi/pipeline/pool-simulation";

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EIGHT: SimulatedHost[] = Array.from({ length: 8 }, () => ({ msPerSecond: 10, slots: 2 }));
const CALLS = callLengths(200, seeded(7));
const refusing = (status: number): EngineError =>
  new EngineError(`HTTP ${status}`, { status, type: `http-${status}`, fault: "host" });

const BAD: [string, Partial<SimulatedHost>][] = [
  ["hangs", { conduct: () => "never" }],
  ["breaks off at once", { conduct: () => ({ afterMs: 1, error: hostError() }) }],
  ["answers 500", { conduct: () => ({ afterMs: 20, error: refusing(500) }) }],
  ["answers 404 without a word about the file", { conduct: () => ({ afterMs: 2, error: refusing(404) }) }],
  ["is ten times slower", { msPerSecond: 100 }],
  ["is away", { isWell: () => false, conduct: () => "never" }],
  ["dies in the middle", { conduct: (_, now) => (now > 5_000 ? "never" : undefined), isWell: (now) => now < 5_000 }],
];

test.each(BAD)("one host of eight %s: the stage takes at most 1.3 times as long, and no file is lost", (_, bad) => {
  const healthy = simulate(CALLS, EIGHT);
  const hosts = [{ ...EIGHT[0]!, ...bad }, ...EIGHT.slice(1)];
  const run = simulate(CALLS, hosts);
  expect(run.failure).toBeNull();
  expect(run.givenUp).toEqual([]);
  expect(run.done).toBe(CALLS.length);
  expect(run.endedAt! / healthy.endedAt!).toBeLessThanOrEqual(1.3);
  const out = run.changes.findIndex(({ host, to }) => host === 0 && to === "ejected");
  if (out >= 0)
    expect(run.hosts[0]!.faults).toBeLessThanOrEqual(5 + run.changes.filter(({ host }) => host === 0).length);
});

test("another try of what is in work elsewhere has its rule: the host was left out, is silent, or takes far longer than others", () => {
  const rulesOf = (bad: Partial<SimulatedHost>): string[] => {
    const rules: (string | null)[] = [];
    const good: SimulatedHost = {
      ...EIGHT[0]!,
      conduct: ({ hedges, rule }) => {
        if (hedges !== null || rule !== null) rules.push(rule);
        return undefined;
      },
    };
    simulate(CALLS, [{ ...EIGHT[0]!, ...bad }, ...EIGHT.slice(1).map(() => good)]);
    return rules.map((rule) => (rule ?? "none").replace(/[\d.]+ s/, "n s"));
  };
  const late = "it has been in work on gpu0 for n s, more than twice as long as usual";
  expect(new Set(rulesOf({ conduct: () => "never" }))).toEqual(
    new Set([`${late}, and nothing was heard of gpu0 since`]),
  );
  let asked = 0;
  const hangsAndBreaks: Conduct = () => (asked++ === 0 ? "never" : { afterMs: 1, error: hostError() });
  expect(rulesOf({ conduct: hangsAndBreaks })).toContain("it has been in work on gpu0 for n s, and gpu0 was left out");
  // It answers about another file meanwhile.
  expect(
    rulesOf({ conduct: ({ number, unit }) => (number === 1 && unit === 0 ? { afterMs: 600_000 } : undefined) }),
  ).toEqual([late]);
});

test("a host that is well again is back within a minute, however long it was not", () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 600 }), fc.boolean(), (seconds, saysSo) => {
      const wellAt = seconds * 1_000;
      const conduct: Conduct = (_, now) => (now < wellAt ? { afterMs: 5, error: hostError() } : { afterMs: 1_000 });
      const bad: SimulatedHost = { msPerSecond: 10, conduct, isWell: (now) => !saysSo || now >= wellAt };
      const run = simulate(
        Array.from({ length: 4_000 }, () => 100),
        [bad, { msPerSecond: 10 }, { msPerSecond: 10 }],
      );
      const back = run.changes.find(({ host, to, at }) => host === 0 && to === "healthy" && at >= wellAt);
      expect(back?.at ?? Infinity).toBeLessThanOrEqual(wellAt + 60_000);
      expect(run.done).toBe(4_000);
    }),
    { numRuns: 20 },
  );
});

test("on hosts of unequal speed, a stage takes at most 1.1 times what no schedule can beat", () => {
  const ratios: number[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const hosts = Array.from({ length: 8 }, () => ({ msPerSecond: 5 + 45 * random(), slots: 1 }));
    const calls = callLengths(300, random);
    ratios.push(simulate(calls, hosts).endedAt! / bound(calls, hosts));
  }
  expect(Math.max(...ratios)).toBeLessThanOrEqual(1.1);
});

test("files stay on the host on which they lie, as long as it is as quick as the others", () => {
  const done = new Map<number, number>();
  const conduct: Conduct = ({ unit, host }) => {
    done.set(unit, host);
    return { afterMs: 100 };
  };
  const hosts = [0, 1, 2].map(() => ({ msPerSecond: 10, conduct }));
  simulate(
    Array.from({ length: 300 }, () => 10),
    hosts,
  );
  const stayed = [...done].filter(([unit, host]) => unit % 3 === host).length;
  expect(stayed).toBeGreaterThanOrEqual(297);
});

test("whatever hosts do: each file ends once, no host has more in work than it may, and what one host can do is done", () => {
  const behaviour = fc.constantFrom<"ok" | "fault" | "hang" | "busy" | "file">(
    "ok",
    "ok",
    "ok",
    "fault",
    "hang",
    "busy",
    "file",
  );
  const host = fc.record({ slots: fc.integer({ min: 1, max: 4 }), msPerSecond: fc.integer({ min: 1, max: 50 }) });
  fc.assert(
    fc.property(
      fc.array(host, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 60 }),
      fc.infiniteStream(behaviour),
      (hosts, seconds, behaviours) => {
        let refused = 0;
        const conduct =
          ({ msPerSecond }: { msPerSecond: number }): Conduct =>
          ({ unit, host: at }) => {
            const drawn = behaviours.next().value;
            // One host answers sooner or later.
            const what = drawn === "hang" && at === 0 ? "ok" : drawn;
            const afterMs = msPerSecond * seconds[unit]!;
            if (what === "hang") return "never";
            if (what === "fault") return { afterMs: 3, error: refusing(502) };
            if (what === "busy")
              return {
                afterMs: 1,
                error: new EngineError("busy", { status: 429, type: "busy", fault: "busy", retryAfterMs: 2_000 }),
              };
            if (what === "ok") return { afterMs };
            refused += 1;
            return {
              afterMs,
              error: new EngineError("no audio", { status: 422, type: "unreadable-audio", fault: "file" }),
            };
          };
        const run = simulate(
          seconds,
          hosts.map((one) => ({ ...one, conduct: conduct(one) })),
        );
        expect(run.failure).toBeNull();
        expect(run.done + run.givenUp.length).toBe(seconds.length);
        expect(run.givenUp.filter((why) => why === "no audio").length).toBeLessThanOrEqual(refused);
        run.hosts.forEach(({ most }, at) => expect(most).toBeLessThanOrEqual(hosts[at]!.slots));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("a file that two hosts cannot do for the same reason is given up, and neither host is left out for it", () => {
  const poison: Conduct = ({ unit }) => (unit === 3 ? { afterMs: 5, error: refusing(500) } : { afterMs: 100 });
  const run = simulate(
    Array.from({ length: 40 }, () => 10),
    [0, 1, 2].map(() => ({ msPerSecond: 10, conduct: poison })),
  );
  expect(run.done).toBe(39);
  expect(run.givenUp).toEqual(["it failed on 2 hosts for the same reason, and these answer about other files"]);
  expect(run.changes.filter(({ to }) => to === "ejected")).toEqual([]);
  expect(run.attempts).toBeLessThanOrEqual(42);
});

test("while all hosts are away no file is lost; without any for five minutes the stage fails and says so", () => {
  const away = (from: number, until: number): SimulatedHost => {
    const isWell = (now: number): boolean => now < from || now >= until;
    const conduct: Conduct = (_, now) =>
      isWell(now) ? { afterMs: 100 } : { afterMs: 1, error: hostError("refused", "ECONNREFUSED") };
    return { msPerSecond: 10, slots: 2, conduct, isWell };
  };
  const calls = Array.from({ length: 100 }, () => 10);
  const back = simulate(calls, [away(1_000, 120_000), away(1_000, 130_000)]);
  expect(back.done).toBe(100);
  expect(back.givenUp).toEqual([]);
  const gone = simulate(calls, [away(1_000, Infinity), away(1_000, Infinity)]);
  expect(gone.failure).toMatch(
    /^All of its 2 hosts were away, or answered nothing, for 300 s .*The last one: It is not there\.$/,
  );
  const never = simulate(calls, [away(0, Infinity)]);
  expect(never.failure).not.toBeNull();
});

test("a host that asks for a pause gets it, and less at once afterwards; no file loses an attempt by it", () => {
  let asked = 0;
  const times: number[] = [];
  const conduct: Conduct = (_, now) => {
    times.push(now);
    asked += 1;
    return asked > 4 && asked <= 24
      ? {
          afterMs: 1,
          error: new EngineError("slow down", { status: 429, type: "http-429", fault: "busy", retryAfterMs: 3_000 }),
        }
      : { afterMs: 50 };
  };
  const run = simulate(
    Array.from({ length: 40 }, () => 10),
    [{ msPerSecond: 5, slots: 8, conduct }],
  );
  expect(run.done).toBe(40);
  expect(run.changes.filter(({ to }) => to === "ejected" || to === "suspect")).toEqual([]);
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  expect(gaps.filter((gap) => gap >= 2_900).length).toBeGreaterThanOrEqual(2);
});

test("a server that only asks for pauses is waited for without being decided on over and over, and the stage ends", () => {
  const busy = new EngineError("slow down", { status: 429, type: "http-429", fault: "busy", retryAfterMs: 120_000 });
  const run = simulate([10, 10], [{ msPerSecond: 10, conduct: () => ({ afterMs: 1, error: busy }) }]);
  expect(run.failure).toMatch(/^Its host only asked for pauses, or was away, for 3600 s \(COFI_ENGINE_TIMEOUT_S\)/);
  expect(run.attempts).toBeLessThan(100);
  expect(run.turns).toBeLessThan(1_000);
});

test("a host that answers nobody until a setting is changed costs no file, though it says that it is well, and is asked little", () => {
  const unpaid = new EngineError("Its quota is used up.", { status: 402, type: "quota", fault: "setting" });
  const withoutQuota: SimulatedHost = { msPerSecond: 10, slots: 4, conduct: () => ({ afterMs: 5, error: unpaid }) };
  const seconds = Array.from({ length: 60 }, () => 100);
  const run = simulate(seconds, [withoutQuota, { msPerSecond: 20 }], { attempts: 1 });
  expect([run.done, run.givenUp, run.failure]).toEqual([60, [], null]);
  expect(run.hosts[0]!.faults).toBeLessThan(20);
  const [out] = run.changes.filter(({ host }) => host === 0);
  expect(out).toMatchObject({ from: "healthy", to: "ejected", rule: "Its quota is used up" });
  const all = simulate(seconds, [withoutQuota, withoutQuota]);
  expect(all.failure).toBe("None of its 2 hosts can work as the stage is set up. The last one: Its quota is used up.");
});

test("a file that each host takes for a fault of its settings ends, and the others are done", () => {
  const error = new EngineError("No such model.", { status: 404, type: "unknown-model", fault: "setting" });
  const conduct: Conduct = ({ unit }) => (unit === 3 ? { afterMs: 5, error } : undefined);
  const hosts = [0, 1, 2].map(() => ({ msPerSecond: 10, conduct }));
  const run = simulate(
    Array.from({ length: 300 }, () => 100),
    hosts,
  );
  expect([run.done, run.givenUp, run.failure]).toEqual([299, ["its 3 attempts failed (COFI_ATTEMPTS)"], null]);
});
