/** What became of the files that a cause of errors has hit, in words. Pure. */
import type { ErrorGroupView } from "@cofi/views/detail/shapes";
import { number } from "./format.js";

type Outcomes = Pick<ErrorGroupView, "final" | "failed" | "triedAgain" | "doneLater" | "otherwise" | "rows">;

/** `3 files; 2 more failed and were done by a later try`; each file counts by its latest outcome. Empty when there is none. */
export function outcomeText({ final, failed, triedAgain, doneLater, otherwise, rows }: Outcomes): string {
  const parts: string[] = [];
  const add = (count: number, alone: string, more: string): void => {
    if (count === 0) return;
    parts.push(parts.length === 0 ? `${files(count)}, ${alone}` : `${number(count)} more ${more}`);
  };
  if (failed > 0) parts.push(files(failed));
  add(triedAgain, "in progress again", `${is(triedAgain)} in progress again`);
  add(doneLater, "done by a later try", `failed and ${was(doneLater)} done by a later try`);
  add(otherwise, "failed with another error or left out since", "failed with another error or were left out since");
  const ofStage = final - failed;
  if (ofStage > 0) parts.push(`${number(ofStage)} ${ofStage === 1 ? "failure" : "failures"} of the stage itself`);
  if (rows > 0) parts.push(`${number(rows)} ${rows === 1 ? "error" : "errors"} in rows, which are set aside`);
  return parts.join("; ");
}

function files(count: number): string {
  return `${number(count)} ${count === 1 ? "file" : "files"}`;
}

function is(count: number): string {
  return count === 1 ? "is" : "are";
}

function was(count: number): string {
  return count === 1 ? "was" : "were";
}
