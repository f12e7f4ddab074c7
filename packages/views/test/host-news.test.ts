/** Rows of other services may hold anything where a pipeline says what became of a host. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { HOST_NEWS, hostNews } from "@cofi/event-log/event-metadata";
import type { Json } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { hostsView } from "@cofi/views/detail/hosts";
import { ASOF, detailOf, Script } from "./script.js";

const STT = STAGES.findIndex(({ name }) => name === "stt");
const any = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>("ejected", "__proto__", -1, 0, 1.5, 1e300, "http://10.0.0.7", null, true, [], {}),
);
const said = fc.oneof(
  any,
  fc.record({ to: any, from: any, engine: any, engines: any, url: any, rule: any, attempt: any }, { requiredKeys: [] }),
);
const metadata = fc.oneof(any, fc.record({ host: said, hedge: said, outrun: said }, { requiredKeys: [] }));

test("whatever metadata holds, what is said of a host has the shape of the API", () => {
  fc.assert(
    fc.property(metadata, (value) => {
      const news = hostNews({ eventType: "info", gpuIp: "10.0.0.7", metadata: value as Json });
      const script = new Script().add("stt", { gpuIp: "10.0.0.7", metadata: value as Json });
      const { detail, summaries } = detailOf(script.events);
      const [host] = hostsView(detail, summaries, ASOF, true).hosts;
      const counted = Object.values(host!.stages[STT]!.news).reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(news === null ? 0 : 1);
      if (news === null) return;
      expect(HOST_NEWS).toContain(news.kind);
      for (const text of [news.rule, news.url]) expect(["string", "object"]).toContain(typeof text);
      expect(news.engines === null || (Number.isSafeInteger(news.engines) && news.engines > 0)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("names of engines that any writer makes up, and rules of any length, do not fill the memory", () => {
  const script = new Script();
  for (let engine = 0; engine < 1_000; engine++)
    script.add("stt", {
      gpuIp: "10.0.0.7",
      metadata: {
        host: { to: "ejected", engine: `engine ${engine}`, rule: "x".repeat(10_000), url: "y".repeat(10_000) },
      },
    });
  const { detail, summaries } = detailOf(script.events);
  const cell = hostsView(detail, summaries, ASOF, true).hosts[0]?.stages[STT];
  expect(cell?.news.ejected).toBe(1_000);
  expect(cell?.states.length).toBeLessThan(100);
  for (const { rule, url } of cell?.states ?? []) expect([rule?.length, url?.length]).toEqual([301, 301]);
});
