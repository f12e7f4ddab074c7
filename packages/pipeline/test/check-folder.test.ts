/** Checking a folder without a run. */
import { expect, test } from "vitest";
import { checkFolder } from "@cofi/pipeline/check-folder";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { TRADES_HEADER, batchWith } from "./batch-files.js";

test("stops within a file, also where nothing but errors is in it", async () => {
  const rows = 60_000;
  const trades = Array.from({ length: rows }, (_, n) => `t${n},,never,,C1,,D07,X,HOLD,10,1.5,DEALER\n`);
  const folder = await batchWith({ "trades.csv": `${TRADES_HEADER}\n${trades.join("")}` });
  const controller = new AbortController();
  const stop = new Error("Stopped.");
  let remarks = 0;
  const listener = (): void => {
    remarks += 1;
    controller.abort(stop);
  };
  const options = { reading: { timeZone: "UTC" }, triageConfig: DEFAULT_TRIAGE, listener, signal: controller.signal };
  await expect(checkFolder(folder, options)).rejects.toBe(stop);
  expect(remarks).toBeGreaterThan(0);
  expect(remarks).toBeLessThan(rows);
});
