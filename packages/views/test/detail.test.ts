import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorsView } from "@cofi/views/detail/errors";
import { reconciliation } from "@cofi/views/detail/handoffs";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { causeOf } from "@cofi/views/detail/error-cause";
import { foundFiles, pageOf, type FilesFilter } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import type { Range } from "@cofi/views/detail/shapes";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import type { LogEvent } from "@cofi/event-log/events";
import { EVENT_STATUSES, EVENT_TYPES } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { BATCH, logEvent } from "../../../test/support/log-events.js";
import { ASOF, detailOf, Script } from "./script.js";

const FILES: FilesFilter = { sort: "name", descending: false };
const NOW = Date.parse(ASOF);

const arbitraryEvents = fc
  .array(
    fc.record({
      stage: fc.constantFrom("denoise", "stt", "callmetadata", "elsewhere"),
      eventType: fc.constantFrom(...EVENT_TYPES),
      status: fc.constantFrom(null, ...EVENT_STATUSES),
      fileName: fc.constantFrom(null, "a.wav", "b.wav", "c.wav"),
      gpuIp: fc.constantFrom(null, "gpu-1", "gpu-2"),
    }),
    { maxLength: 60 },
  )
  .map((rows) => rows.map((row, index) => logEvent(index + 1, row)));

test("counts each file in each stage as the cards do, in whatever order events become visible", () => {
  fc.assert(
    fc.property(arbitraryEvents, fc.infiniteStream(fc.nat()), (events, order) => {
      const keys = new Map(events.map((event) => [event, order.next().value ?? 0]));
      const { detail, summaries } = detailOf(events.toSorted((a, b) => keys.get(a)! - keys.get(b)!));
      for (const [index, summary] of summaries.entries()) {
        const cells = detail.stages[index]!;
        const states = detail.files.all.map((_, file) => cells.stateOf(file));
        const count = (...wanted: string[]): number => states.filter((state) => wanted.includes(state)).length;
        if (states.every((state) => state === "none")) continue;
        expect({ done: count("done"), failed: count("failed"), inFlight: count("inFlight", "retrying") }).toEqual({
          done: summary.done,
          failed: summary.failed,
          inFlight: summary.inFlight,
        });
        const onHosts = detail.hostStages.reduce((sum, stages) => sum + (stages[index]?.inFlight ?? 0), 0);
        expect(onHosts).toBeLessThanOrEqual(count("inFlight"));
        expect(detail.hostStages.every((stages) => (stages[index]?.inFlight ?? 0) >= 0)).toBe(true);
      }
    }),
  );
});

describe("reconciliation", () => {
  const script = new Script()
    .stage("file_distribution", 5, (s) => {
      for (const name of ["a", "b", "c", "d", "e"]) s.done("file_distribution", name);
    })
    .stage("callmetadata", 1, (s) => {
      s.done("callmetadata", "calls.csv").add("callmetadata", {
        fileName: "e",
        metadata: { skipped: "no row in calls.csv" },
      });
    })
    .stage("denoise", 3, (s) => {
      s.done("denoise", "a").done("denoise", "b").failed("denoise", "c", "out of memory");
    })
    .stage("ivr", 2, (s) => s.done("ivr", "a"), false);
  const { detail, summaries } = detailOf(script.events);

  test("accounts for each file at each handoff, and names the one that was lost", () => {
    const { stages, balanced } = reconciliation(detail, summaries, ASOF);
    const [first, denoise, ivr, lid] = stages;
    expect(first).toMatchObject({ stage: "file_distribution", from: null, input: 5, done: 5, missing: 0 });
    expect(denoise).toMatchObject({
      from: "file_distribution",
      input: 5,
      done: 2,
      failed: 1,
      skipped: 1,
      missing: 1,
      missingFiles: ["d"],
      announced: 3,
      unnamed: 0,
    });
    expect(ivr).toMatchObject({ from: "denoise", input: 2, done: 1, waiting: 1, missing: 0 });
    expect(lid).toMatchObject({ input: 1, waiting: 1 });
    expect(balanced).toBe(false);
    for (const { input, done, failed, skipped, inFlight, retrying, waiting, missing } of stages)
      expect(done + failed + skipped + inFlight + retrying + waiting + missing).toBe(input);
  });

  test("files that were announced and never named are reported, but not for a writer that only counts", () => {
    const counted = new Script()
      .stage("file_distribution", 3, (s) => s.done("file_distribution", "a").done("file_distribution", "b"))
      .stage("denoise", 2, (s) => s.add("denoise", { eventType: "stage_progress", processedFiles: 2 }))
      .stage("ivr", 2, (s) => s.done("ivr", "a"));
    const folded = detailOf(counted.events);
    const [first, ivr] = reconciliation(folded.detail, folded.summaries, ASOF).stages;
    expect(first).toMatchObject({ input: 2, done: 2, announced: 3, unnamed: 1 });
    expect(ivr).toMatchObject({ stage: "ivr", from: "file_distribution", input: 2, done: 1, missingFiles: ["b"] });
    expect(findingsOf(folded.detail, folded.summaries, [], ASOF).map(({ text }) => text)).toContain(
      "1 file announced by File distribution never ran",
    );
  });

  test("the matrix finds them: by state, stage, host, text and cause", () => {
    const page = (query: Partial<FilesFilter>, offset = 0, limit = 100) => {
      const found = foundFiles(detail, summaries, { ...FILES, ...query }, NOW);
      return pageOf(detail, summaries, found, { offset, limit }, { now: NOW, asOf: ASOF });
    };
    const names = (query: Partial<FilesFilter>, limit = 100): string[] =>
      page(query, 0, limit).rows.map(({ fileName }) => fileName);
    const denoise = STAGES.findIndex(({ name }) => name === "denoise");
    expect(names({})).toEqual(["a", "b", "c", "d", "e"]);
    expect(names({ state: "missing" })).toEqual(["d"]);
    expect(names({ stage: denoise, state: "failed" })).toEqual(["c"]);
    expect(names({ stage: denoise, state: "skipped" })).toEqual(["e"]);
    expect(names({ text: "B" })).toEqual(["b"]);
    expect(names({ cause: detail.errors[0]?.cause })).toEqual(["c"]);
    expect(names({ host: "gpu-2" })).toEqual([]);
    expect(names({ everything: true })).toContain("calls.csv");
    expect(names({ sort: "progress", descending: true }, 2)).toEqual(["a", "b"]);
    expect(page({}, 4, 2)).toMatchObject({ total: 5, offset: 4 });
  });
});

describe("causes of errors", () => {
  test.each([
    ["No answer from http://10.0.0.7:8080/v1/stt within 30000 ms", "No answer from <url> within <n> ms"],
    ['The engine refused "call 12.wav": code 422', "The engine refused <name>: code <n>"],
    ["connect ECONNREFUSED 10.1.2.3:8080", "connect ECONNREFUSED <host>"],
    ["job 0190d3e0-1111-7000-8000-00000000abcd died at 0x7ffe12", "job <id> died at <n>"],
    ["cannot read /data/files/7/call-7.wav", "cannot read <path>"],
    ["52 bytes that begin with 54 68 69 73", "<n> bytes that begin with <n>"],
    ["", "(no message)"],
  ])("%j is %j", (message, cause) => {
    expect(causeOf(message, null)).toBe(cause);
  });

  test("are counted with their files, hosts and stages; the first failure comes first", () => {
    const script = new Script();
    for (let n = 0; n < 6; n++) {
      script.failed("stt", `call ${n}`, n % 2 ? `out of memory: ${n} MB` : `call ${n} has no speech`, `gpu-${n % 3}`);
    }
    const { groups } = errorsView(detailOf(script.events).detail, ASOF);
    expect(groups.map(({ cause, count, files }) => [cause, count, files])).toEqual([
      ["<file> has no speech", 3, 3],
      ["out of memory: <n> MB", 3, 3],
    ]);
    expect(groups[0]).toMatchObject({
      example: "call 0 has no speech",
      final: 3,
      stages: [{ stage: "stt", count: 3 }],
    });
    expect(groups[0]?.hosts).toHaveLength(3);
  });
});

describe("time", () => {
  test("what is left of a stage follows from its speed, weighted by audio where it is known", () => {
    const events = (audio: boolean): LogEvent[] =>
      new Script().stage(
        "file_distribution",
        20,
        (s) => {
          for (let n = 0; n < 20; n++) {
            const metadata = audio ? { audioSeconds: n < 10 ? 10 : 100 } : null;
            s.add("file_distribution", { eventType: "file_start", fileName: `${n}`, metadata });
            if (n < 10) s.done("file_distribution", `${n}`, 2);
          }
        },
        false,
      ).events;
    const now = Date.parse(BATCH.createdAt) + 20_000;
    const remaining = (audio: boolean) => {
      const { detail, summaries } = detailOf(events(audio));
      return timelineView(detail, summaries, new Map(), now).stages.find(({ stage }) => stage === "file_distribution");
    };
    // Ten of twenty files in 20 s; ten are left. With ten times the audio they take ten times as long.
    expect(remaining(false)).toMatchObject({ basis: "files" });
    expect(remaining(false)?.remainingMs?.[0]).toBeCloseTo(18_000, 0);
    expect(remaining(false)?.remainingMs?.[1]).toBeCloseTo(22_000, 0);
    expect(remaining(true)).toMatchObject({ basis: "audio" });
    expect(remaining(true)?.remainingMs?.[0]).toBeCloseTo(180_000, 0);
  });

  test("the estimate widens while nothing finishes", () => {
    const script = new Script().add("stt", { eventType: "stage_start", totalFiles: 40 });
    for (let n = 0; n < 30; n++) script.done("stt", `${n}`, 10);
    const { detail, summaries } = detailOf(script.events);
    const after = (seconds: number): Range => {
      const now = Date.parse(BATCH.createdAt) + (script.at + seconds) * 1_000;
      const stage = timelineView(detail, summaries, new Map(), now).stages.find(({ stage: name }) => name === "stt");
      return stage!.remainingMs!;
    };
    const ranges = [0, 30, 120, 299, 301, 600, 3_600].map(after);
    // Ten are left, at 10 s each.
    expect(ranges[0]?.map(Math.round)).toEqual([90_000, 110_000]);
    for (const [index, [low, high]] of ranges.entries()) {
      if (index === 0) continue;
      expect(low).toBe(ranges[0]![0]);
      expect(high).toBeGreaterThan(ranges[index - 1]![1]);
    }
    // None in an hour: the ten may take ten hours.
    expect(ranges.at(-1)![1]).toBeCloseTo(10 * 3_600_000 * 1.1);
  });

  test("stages that have not begun are known from earlier batches, and the bottleneck is named", () => {
    const { detail, summaries } = detailOf(
      new Script().stage("file_distribution", 4, (s) => {
        for (const name of ["a", "b", "c", "d"]) s.done("file_distribution", name);
      }).events,
    );
    const history = new Map<string, Range>(STAGES.map(({ name }) => [name, name === "stt" ? [100, 200] : [1, 2]]));
    const view = timelineView(detail, summaries, history, Date.parse(ASOF));
    expect(view.bottleneck).toBe("stt");
    expect(view.remainingMs?.[0]).toBeGreaterThanOrEqual(400);
    expect(timelineView(detail, summaries, new Map(), Date.parse(ASOF)).remainingMs).toBeNull();
  });

  test("audio of a file counts once, however often it was done; a length that is not a number of seconds does not count", () => {
    const script = new Script();
    for (const said of [30, 0, -1, Infinity, NaN, "30", null])
      script.add("stt", { eventType: "file_start", fileName: "a.wav", metadata: { audioSeconds: said } });
    script.done("stt", "a.wav", 60).done("stt", "b.wav", 60).done("stt", "a.wav", 60).failed("stt", "c.wav", "no");
    const { detail, summaries } = detailOf(script.events);
    const asOf = new Date(Date.parse(BATCH.createdAt) + 300_000).toISOString();
    const stt = metricsView(detail, summaries, asOf).stages.find(({ stage }) => stage === "stt");
    expect(stt?.overall.audioHoursPerHour).toBeCloseTo(0.1);
  });

  test("figures over time keep their sums, however long the batch takes", () => {
    const script = new Script();
    for (let n = 0; n < 50; n++) script.done("stt", `${n}`, 600);
    const { detail, summaries } = detailOf(script.events);
    const stt = metricsView(detail, summaries, ASOF).stages.find(({ stage }) => stage === "stt");
    expect(stt?.done.reduce((sum, count) => sum + count, 0)).toBe(50);
    expect(stt?.done.length).toBeLessThanOrEqual(240);
    expect(stt?.overall.p50Ms).toBeGreaterThan(540_000);
    expect(stt?.overall.p50Ms).toBeLessThan(660_000);
  });
});

test("a slow file, a stuck stage and a silent host are distinguished", () => {
  const script = new Script().stage(
    "stt",
    10,
    (s) => {
      for (let n = 0; n < 5; n++) s.done("stt", `done ${n}`, 1, "gpu-1");
      s.add("stt", { eventType: "file_start", fileName: "slow", gpuIp: "gpu-2" });
    },
    false,
  );
  const kinds = (events: LogEvent[], seconds: number) => {
    const { detail, summaries } = detailOf(events);
    return stallsOf(detail, summaries, Date.parse(BATCH.createdAt) + seconds * 1_000).map(({ kind, what }) => [
      kind,
      what,
    ]);
  };
  expect(kinds(script.events, 10)).toEqual([]);
  expect(kinds(script.events, 90)).toEqual([["slow-file", "slow"]]);
  expect(kinds(script.events, 300)).toEqual([
    ["stuck-stage", null],
    ["slow-file", "slow"],
  ]);
  script.at = 290;
  script.done("stt", "late", 5, "gpu-1");
  expect(kinds(script.events, 300)).toEqual([
    ["silent-host", "gpu-2"],
    ["slow-file", "slow"],
  ]);
});

test("hosts: what each has done, and when it was heard last", () => {
  const script = new Script()
    .done("stt", "a", 60, "gpu-1")
    .done("stt", "b", 60, "gpu-1")
    .failed("stt", "c", "no", "gpu-2");
  const { detail, summaries } = detailOf(script.events);
  const { hosts } = hostsView(detail, summaries, ASOF, true);
  const stt = STAGES.findIndex(({ name }) => name === "stt");
  expect(hosts.map(({ host, stages }) => [host, stages[stt]?.done, stages[stt]?.errorRate])).toEqual([
    ["gpu-1", 2, 0],
    ["gpu-2", 0, 1],
  ]);
  expect(hosts[0]?.stages[stt]?.perMinute).toBeCloseTo(1);
  expect(hosts[0]?.stages[0]).toBeNull();
});
