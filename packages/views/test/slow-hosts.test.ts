/** Hosts that hold the others up. */
import { expect, test } from "vitest";
import { findingsOf } from "@cofi/views/detail/findings";
import { ASOF, detailOf, Script } from "./script.js";

test("a host whose files take far longer than those of the others is a finding", () => {
  const slow = new Script().stage("denoise", 20, (s) => {
    for (let n = 0; n < 10; n++) s.done("denoise", `a-${n}`, 0.4, "gpu-1").done("denoise", `b-${n}`, 1.6, "gpu-2");
  });
  const folded = detailOf(slow.events);
  expect(findingsOf(folded.detail, folded.summaries, [], ASOF)).toMatchObject([
    {
      kind: "slow-host",
      stage: "denoise",
      what: "gpu-2",
      text: "gpu-2 is 4.0 times slower than its peers in Denoise",
      rule: "Its 10 files took 1.60 s each, the 10 of the other hosts 0.40 s.",
    },
  ]);
});
