/**
 * What `npm test` runs after the build: provides what the tests need, then the checks and all tests. Ends with the line
 * `N passed, N failed`. Arguments go to vitest: `npm test -- event-log` runs the files whose path holds that word.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkDependencyDirection } from "./checks/dependency-direction.mjs";
import { checkPageSize } from "./checks/page-size.mjs";
import { provideTools } from "./checks/system-tools.mjs";

const filters = process.argv.slice(2);
let passed = 0;
let failed = 0;

/** A check that is a function: throws when it fails. */
function check(name, work) {
  try {
    work();
    passed += 1;
    console.log(`✓ ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`✗ ${name}\n${error.message}`);
  }
}

/** A check that is a program: fails with its exit code. */
function program(name, args) {
  check(name, () => {
    const result = spawnSync("npx", ["--no-install", ...args], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.error?.message ?? result.stdout + result.stderr);
  });
}

provideTools();

if (filters.length === 0) {
  program("format (oxfmt)", ["oxfmt", "--check", "."]);
  program("lint (oxlint)", ["oxlint", "--type-aware"]);
  program("no unused files, exports or dependencies (knip)", ["knip"]);
  check("dependency direction", checkDependencyDirection);
  check("the page's JavaScript fits its budget", checkPageSize);
}

const folder = mkdtempSync(join(tmpdir(), "cofi-test-"));
const report = join(folder, "report.json");
const run = spawnSync(
  "npx",
  ["--no-install", "vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters],
  { stdio: ["ignore", "inherit", "inherit"] },
);
let tests;
try {
  tests = JSON.parse(readFileSync(report, "utf8"));
} catch (error) {
  tests = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  console.error(`vitest wrote no report: ${error.message}`);
}
rmSync(folder, { recursive: true, force: true });
passed += tests.numPassedTests;
failed += tests.numFailedTests;
const skipped = tests.numPendingTests + tests.numTodoTests;
// A file that cannot be loaded, an unhandled error, or a run without tests is a failure that no test counts.
if (run.status !== 0 && tests.numFailedTests === 0) failed += 1;
if (tests.numPassedTests + tests.numFailedTests === 0 || skipped > 0) {
  failed += 1;
  console.error(skipped > 0 ? `${skipped} tests were skipped: none may be.` : "No test ran.");
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
