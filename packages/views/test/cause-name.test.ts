import { expect, test } from "vitest";
import { causeName, headline } from "@cofi/views/detail/cause-name";
import { causeOf } from "@cofi/views/detail/error-cause";

const traceback = (line: number, end: string): string => `The engine failed: Traceback (most recent call last):
  File "/srv/engine.py", line ${line}, in run
    answer = model(audio)
             ^^^^^^^^^^^^
${end}`;

test.each([
  ["CUDA out of memory: call-17.wav, 612 MB", "CUDA out of memory: call-17.wav, 612 MB"],
  [null, "(no message)"],
  ["  \n", "(no message)"],
  [traceback(7, "RuntimeError: CUDA out of memory"), "RuntimeError: CUDA out of memory"],
  [
    traceback(7, "RuntimeError: no memory\nTried to allocate 612 MB\n\n"),
    "RuntimeError: no memory\nTried to allocate 612 MB",
  ],
  [
    `${traceback(7, "KeyError: 'a'")}\n\nDuring handling of the above exception, another exception occurred:\n\n${traceback(9, "ValueError: b")}`,
    "ValueError: b",
  ],
  // Cut before its end.
  ['Traceback (most recent call last):\n  File "a.py", line 1', 'File "a.py", line 1'],
  ["Traceback (most recent call last):", "(no message)"],
  ["Error: boom\n    at run (file:///a.js:1:2)\n    at b (c.js:3:4)", "Error: boom"],
  ["java.io.IOException: gone\n\tat a.B.c(B.java:1)\n\t... 12 more", "java.io.IOException: gone"],
  ["first line\nsecond line", "first line\nsecond line"],
])("%j is named %j", (message, name) => expect(headline(message)).toBe(name));

test("a cause is named by an example and how many are like it, never by a placeholder", () => {
  const example = "CUDA out of memory: call-17.wav, 612 MB";
  expect(causeName(example, 4)).toBe("CUDA out of memory: call-17.wav, 612 MB, and 4 like it");
  expect(causeName(example, 0)).toBe(example);
  expect(causeName("It failed.", 1_234)).toBe("It failed, and 1,234 like it");
  expect(causeName("It failed.", 0)).toBe("It failed.");
});

test("tracebacks that end alike have the same cause, however they got there; those that end otherwise have another", () => {
  const cause = (line: number, end: string): string => causeOf(traceback(line, end), "call-17.wav");
  expect(cause(7, "RuntimeError: no memory for call-17.wav")).toBe(
    cause(90, "RuntimeError: no memory for call-17.wav"),
  );
  expect(cause(7, "RuntimeError: no memory")).not.toBe(cause(7, "KeyError: no memory"));
});

test("of a long traceback the end is read", () => {
  const long = (end: string): string =>
    traceback(1, end).replace("    answer", `${"    step()\n".repeat(2_000)}    answer`);
  expect(causeOf(long("RuntimeError: a"), null)).not.toBe(causeOf(long("RuntimeError: b"), null));
});
