/** How errors are named to people: by the words of one of them and the number of those like it. Pure; the page uses it too. */

const NO_MESSAGE = "(no message)";
const TRACEBACK = "Traceback (most recent call last)";
/** A line of a stack trace of JavaScript or Java: where, and not what. */
const FRAME = /^\s+(?:at\s.*|\.\.\.\s*\d+\s+(?:more|common frames omitted))$/;

/**
 * The part of a message that says what happened. A traceback of Python says it at its end, after the places; a stack trace
 * of JavaScript or Java at its beginning.
 */
export function headline(message: string | null): string {
  const whole = message?.trim() || NO_MESSAGE;
  const start = whole.lastIndexOf(TRACEBACK);
  if (start >= 0) return endOfTraceback(whole.slice(start));
  if (!whole.includes("\n")) return whole;
  const lines = whole.split(/\r?\n/);
  return lines.filter((line) => !FRAME.test(line)).join("\n");
}

/** Its last line; with those before it when the words of the error have several. */
function endOfTraceback(traceback: string): string {
  const lines = traceback.split(/\r?\n/).slice(1);
  const first = lines.findIndex((line) => /^\S/.test(line));
  const last = lines.findLast((line) => line.trim() !== "")?.trim();
  return first < 0 ? (last ?? NO_MESSAGE) : lines.slice(first).join("\n").trim();
}

/** `CUDA out of memory: call-17.wav, 612 MB, and 4 like it`. `others`: errors with the same cause beside the example. */
export function causeName(example: string | null, others: number): string {
  const said = headline(example).replace(/[.\s]+$/, "");
  return others > 0 ? `${said}, and ${others.toLocaleString("en-GB")} like it` : headline(example);
}
