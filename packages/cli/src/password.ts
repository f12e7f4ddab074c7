/** Passwords come from the terminal, where they are not shown, or from standard input; never as an argument, which other users can read. */
import { text } from "node:stream/consumers";
import { CommandError, EXIT } from "./exit.js";

/** @throws CommandError when both entries differ, or the user gives up */
export async function readPassword(question: string): Promise<string> {
  // A line, as `echo` and files end it.
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
  const first = await typed(question);
  if (first !== (await typed("Again: ")))
    throw new CommandError("The two passwords differ. Nothing was changed.", EXIT.usage);
  return first;
}

/** Reads a line without showing it. */
function typed(question: string): Promise<string> {
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let line = "";
    const end = (settle: () => void): void => {
      stdin.off("data", hear);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write("\n");
      settle();
    };
    const hear = (keys: string): void => {
      for (const key of keys) {
        if (key === "\r" || key === "\n" || key === "\u0004") return end(() => resolve(line));
        if (key === "\u0003")
          return end(() => reject(new CommandError("Stopped. Nothing was changed.", EXIT.interrupted)));
        if (key === "\u007F" || key === "\b") line = [...line].slice(0, -1).join("");
        else line += key;
      }
    };
    stdin.on("data", hear);
  });
}
