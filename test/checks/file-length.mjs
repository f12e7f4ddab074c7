import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const MOST_LINES = 300;

/** @throws {Error} with every tracked source file that is too long for one person to keep in mind */
export function checkFileLength() {
  const files = execFileSync("git", ["ls-files", "-z", "*.ts", "*.tsx", "*.css", "*.mjs"], { encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "");
  const long = files.flatMap((path) => {
    const lines = lineCount(path);
    return lines > MOST_LINES ? [`${path}: ${lines} lines`] : [];
  });
  if (long.length === 0) return;
  throw new Error(`These files have more than ${MOST_LINES} lines; split them by what they own:\n${long.join("\n")}`);
}

/** A file that is tracked but deleted counts as empty. @param {string} path */
function lineCount(path) {
  try {
    return readFileSync(path, "utf8").split("\n").length - 1;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
