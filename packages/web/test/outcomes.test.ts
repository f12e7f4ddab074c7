import { expect, it } from "vitest";
import { outcomeText } from "../src/text/outcomes.js";

const NONE = { final: 0, failed: 0, triedAgain: 0, doneLater: 0, otherwise: 0, rows: 0 };

it.each([
  [{ doneLater: 1 }, "1 file, done by a later try"],
  [{ final: 3, failed: 3 }, "3 files"],
  [{ final: 3, failed: 3, doneLater: 2 }, "3 files; 2 more failed and were done by a later try"],
  [{ final: 1, failed: 1, doneLater: 1 }, "1 file; 1 more failed and was done by a later try"],
  [{ triedAgain: 2, doneLater: 1 }, "2 files, in progress again; 1 more failed and was done by a later try"],
  [{ final: 1, failed: 1, otherwise: 1_200 }, "1 file; 1,200 more failed with another error or were left out since"],
  [{ final: 1 }, "1 failure of the stage itself"],
  [{ rows: 7 }, "7 errors in rows, which are set aside"],
  [{}, ""],
])("%j is told as %j", (counts, text) => expect(outcomeText({ ...NONE, ...counts })).toBe(text));
