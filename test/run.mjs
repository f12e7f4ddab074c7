/**
 * `npm test` runs this after the build: it provides the programs of the tests, then runs the checks and all tests. It ends with the line
 * `N passed, N failed`. Arguments go to vitest: `npm test -- event-log` runs the files whose path holds that word.
 * `--server=mysql` (or `mariadb`) runs only the tests that use a server, on one of Debian unstable in place of this system's MariaDB.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkDependencyDirection } from "./checks/dependency-direction.mjs";
import { checkFileLength } from "./checks/file-length.mjs";
import { checkPageSize } from "./checks/page-size.mjs";
import { provideServer } from "./support/server-tree.mjs";
import { provideSystem } from "./support/system.mjs";

const { values, positionals: filters } = parseArgs({ allowPositionals: true, options: { server: { type: "string" } } });
const server = productOf(values.server);
let passed = 0;
let failed = 0;

/** @param {string | undefined} name @returns {import("./support/server-tree.mjs").Product | undefined} */
function productOf(name) {
  if (name === undefined || name === "mysql" || name === "mariadb") return name;
  throw new Error(`--server is ${name}; expected mysql or mariadb.`);
}

/**
 * A counted step: fails when it throws.
 * @param {string} name @param {() => void | Promise<void>} work @returns {Promise<boolean>} whether it passed
 */
async function check(name, work) {
  try {
    await work();
    passed += 1;
    console.log(`✓ ${name}`);
    return true;
  } catch (error) {
    failed += 1;
    console.error(`✗ ${name}\n${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/**
 * A counted step that is a program: fails with its exit code, and then shows its output.
 * @param {string} name @param {string[]} args
 */
function program(name, args) {
  return check(name, () => {
    const result = spawnSync("npx", ["--no-install", ...args], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.error?.message ?? result.stdout + result.stderr);
  });
}

/** Runs the tests. Their output goes to the terminal; the counts come from vitest's report. */
function runTests() {
  const folder = mkdtempSync(join(tmpdir(), "cofi-report-"));
  const report = join(folder, "report.json");
  const files =
    server !== undefined && filters.length === 0 ? ["related", "--run", "test/support/server.ts"] : ["run", ...filters];
  const args = ["vitest", ...files, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync("npx", ["--no-install", ...args], { stdio: ["ignore", "inherit", "inherit"] });
  let tests = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
  try {
    tests = JSON.parse(readFileSync(report, "utf8"));
  } catch (error) {
    console.error(`vitest wrote no report: ${error instanceof Error ? error.message : String(error)}`);
  }
  rmSync(folder, { recursive: true, force: true });
  passed += tests.numPassedTests;
  failed += tests.numFailedTests;
  const skipped = tests.numPendingTests + tests.numTodoTests;
  if (skipped > 0) {
    failed += 1;
    console.error(`${skipped} tests were skipped: none may be.`);
  } else if (tests.numPassedTests + tests.numFailedTests === 0) {
    failed += 1;
    console.error("No test ran.");
  } else if (status !== 0 && tests.numFailedTests === 0) {
    // A file that cannot be loaded, or an error outside of every test: no test counts it.
    failed += 1;
    console.error("vitest failed outside of the tests: see above.");
  }
}

/** @returns {Promise<boolean>} whether tests can run on it: with only a server of COFI_TEST_MYSQL_URL, those that start their own fail */
async function provide() {
  if (!(await check("the programs that the tests need are on this system", () => provideSystem(console.log))))
    return false;
  if (server === undefined) return true;
  process.env["COFI_TEST_SERVER"] = server;
  const isThere = await check(`a ${server} server for the tests that start their own`, async () => {
    process.env["COFI_TEST_SERVER_ROOT"] = await provideServer(server, console.log);
  });
  return isThere || Boolean(process.env["COFI_TEST_MYSQL_URL"]);
}

if (await provide()) {
  if (server === undefined && filters.length === 0) {
    await program("types of the tests (tsc)", ["tsc", "-b", "test", "packages/web/test"]);
    await program("format (oxfmt)", ["oxfmt", "--check", "."]);
    await program("lint (oxlint)", ["oxlint", "--type-aware"]);
    await program("no unused files, exports or dependencies (knip)", ["knip"]);
    await check("dependency direction", checkDependencyDirection);
    await check("no file has more than 300 lines", checkFileLength);
    await check("the page's JavaScript fits its budget", checkPageSize);
  }
  runTests();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
