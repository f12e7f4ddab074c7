/**
 * Database servers that this system does not have: a tree with a small Debian unstable in which one is installed. It is built
 * once, in a folder of the cache, from the mirror that apt is set up with, and nothing outside of that folder is changed.
 * Plain JavaScript, because the test command runs it before anything else.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { provideSystem } from "./system.mjs";

/** The packages of each product: the daemon, and what its setup calls. */
const PACKAGES = { mysql: ["mysql-server-core"], mariadb: ["mariadb-server-core", "mariadb-client-core"] };
const SUITE = "sid";
const DAY_MS = 86_400_000;

/** @typedef {keyof typeof PACKAGES} Product */

/**
 * Where a server of this product is: `COFI_TEST_SERVER_ROOT` (`/` for this machine's own), else a tree in
 * `COFI_TEST_CACHE`, which is built when it is not there.
 * @param {Product} product
 * @param {(line: string) => void} say
 * @returns {Promise<string>} the folder that the server takes for `/`
 * @throws {Error} saying what is missing
 */
export async function provideServer(product, say) {
  const chosen = process.env["COFI_TEST_SERVER_ROOT"]?.trim();
  if (chosen) return chosen;
  const cache = cacheFolder();
  const tree = join(cache, `${SUITE}-${product}`);
  if (existsSync(tree)) {
    say(`The server is that in ${tree}; remove the folder to build it anew.`);
    removeLeftovers(tree);
    return tree;
  }
  if (process.getuid?.() !== 0)
    throw new Error(
      `A ${product} server of the tests' own is built in ${tree}, which needs root. Run this as root, or set ` +
        `COFI_TEST_SERVER_ROOT to / where the package ${PACKAGES[product][0]} is installed; COFI_TEST_MYSQL_URL names a server ` +
        "for those tests that start none of their own.",
    );
  await provideSystem(say, ["debootstrap"]);
  mkdirSync(cache, { recursive: true });
  build(product, tree, say);
  return tree;
}

function cacheFolder() {
  const chosen = process.env["COFI_TEST_CACHE"]?.trim();
  return chosen || join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "cofi-test-servers");
}

/**
 * A tree that is there is whole: it is built under another name.
 * @param {Product} product @param {string} tree @param {(line: string) => void} say
 */
function build(product, tree, say) {
  const mirror = aptMirror();
  const unfinished = mkdtempSync(`${tree}-`);
  const log = `${tree}.log`;
  const packages = PACKAGES[product].join(",");
  say(`Building a ${product} server in ${tree}: a few minutes, some 500 MB. Progress is in ${log}.`);
  try {
    const args = ["--variant=minbase", `--include=${packages}`, SUITE, unfinished, mirror];
    const { status, error, stdout, stderr } = spawnSync("debootstrap", args, {
      encoding: "utf8",
      env: { ...process.env, ...aptProxy() },
      maxBuffer: 1 << 26,
    });
    writeFileSync(log, `${stdout}${stderr}`);
    if (status !== 0) {
      const reason = error?.message ?? `${stderr}${stdout}`.trim().split("\n").at(-1);
      throw new Error(
        `debootstrap could not build ${tree} with ${packages} of Debian ${SUITE}: ${reason}. See ${log}.`,
      );
    }
    removeTree(join(unfinished, "var/cache/apt/archives"));
    if (existsSync(tree)) say("Another run has built it meanwhile.");
    else renameSync(unfinished, tree);
  } finally {
    removeTree(unfinished);
  }
}

/**
 * Data of servers whose tests were killed: nobody looks for them here. Those of runs that last are left alone.
 * @param {string} tree
 */
function removeLeftovers(tree) {
  const folders = join(tree, tmpdir());
  const names = existsSync(folders) ? readdirSync(folders) : [];
  const old = names
    .map((name) => join(folders, name))
    .filter((folder) => Date.now() - statSync(folder).mtimeMs > DAY_MS);
  for (const folder of old) removeTree(folder);
}

/** Never into what may still be mounted in it. @param {string} folder */
function removeTree(folder) {
  spawnSync("rm", ["-rf", "--one-file-system", folder]);
}

/** @returns {string} @throws {Error} when apt is set up for another distribution */
function aptMirror() {
  const targets = ["indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian", "Label: Debian"];
  const [mirror] = execFileSync("apt-get", targets, { encoding: "utf8" }).split("\n");
  if (mirror) return mirror;
  throw new Error(
    "apt is set up with no mirror of Debian (or has no lists of it: `apt-get update`), from which a server could be built. " +
      "Install one and set COFI_TEST_SERVER_ROOT=/.",
  );
}

/** debootstrap does not read the proxy of apt. */
function aptProxy() {
  const line = execFileSync("apt-config", ["shell", "proxy", "Acquire::http::Proxy"], { encoding: "utf8" });
  const proxy = /^proxy='(.+)'$/m.exec(line)?.[1];
  return proxy === undefined || proxy === "DIRECT" ? {} : { http_proxy: proxy };
}
