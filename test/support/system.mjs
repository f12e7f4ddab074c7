/**
 * The programs that the tests need beyond npm: missing ones are installed with apt-get when run as root; otherwise the error
 * names them and the command to type.
 * Plain JavaScript, because the test command runs it before anything else.
 */
import { accessSync, chmodSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ENGINE_STAGES } from "@cofi/engines/engine";
import { canInstallTools, checkTools, installCommand, installTools } from "@cofi/engines/system-tools";

/** Debian keeps servers in folders that are not on an ordinary user's PATH. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Programs by the names they go by, the variable that goes first, and the Debian package that brings them. */
const PROGRAMS = /** @type {const} */ ({
  mariadbd: { names: ["mariadbd"], aptPackage: "mariadb-server-core" },
  "mariadb-install-db": { names: ["mariadb-install-db"], aptPackage: "mariadb-server-core" },
  my_print_defaults: { names: ["my_print_defaults"], aptPackage: "mariadb-client-core" },
  chromium: {
    names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    variable: "COFI_CHROMIUM",
    aptPackage: "chromium",
  },
  "dbus-daemon": { names: ["dbus-daemon"], aptPackage: "dbus" },
  nginx: { names: ["nginx"], aptPackage: "nginx" },
  dockerd: { names: ["dockerd"], aptPackage: "docker.io" },
  ip: { names: ["ip"], aptPackage: "iproute2" },
  iptables: { names: ["iptables"], aptPackage: "iptables" },
  mysqld: { names: ["mysqld"], aptPackage: "mysql-server-core" },
  debootstrap: { names: ["debootstrap"], aptPackage: "debootstrap" },
});

/** Only runs on another server than MariaDB want them. */
const FOR_OTHER_SERVERS = ["mysqld", "debootstrap"];
const FOR_EVERY_RUN = /** @type {Program[]} */ (Object.keys(PROGRAMS)).filter(
  (program) => !FOR_OTHER_SERVERS.includes(program),
);

/** @typedef {keyof typeof PROGRAMS} Program */

/**
 * @param {Program} program
 * @throws {Error} when the variable names no program
 */
function find(program) {
  /** @type {{names: readonly string[], variable?: string}} */
  const { names, variable } = PROGRAMS[program];
  const chosen = variable === undefined ? undefined : process.env[variable];
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`${variable} is ${chosen}, which is not a program that can be run.`);
    return chosen;
  }
  const folders = [...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Program} program */
function missing(program) {
  return { tool: program, aptPackage: PROGRAMS[program].aptPackage };
}

/**
 * The path of a program that tests run.
 * @param {Program} program
 * @returns {string}
 * @throws {Error} with the command to type when it is not there
 */
export function programPath(program) {
  const path = find(program);
  if (path === undefined)
    throw new Error(`${program} is not on this system. Install it with: ${installCommand([missing(program)])}`);
  return path;
}

/** @param {readonly Program[]} programs */
async function allMissing(programs) {
  const { missing: engineTools } = await checkTools(ENGINE_STAGES);
  return [...programs.filter((program) => find(program) === undefined).map(missing), ...engineTools];
}

/**
 * Sees to it that these programs are there, and those of the engines; installs what is not, where that is allowed.
 * @param {(line: string) => void} say
 * @param {readonly Program[]} programs
 * @throws {Error} with the command to type
 */
export async function provideSystem(say, programs = FOR_EVERY_RUN) {
  const wanted = await allMissing(programs);
  if (wanted.length === 0) return;
  if (await canInstallTools()) await withoutStartingServices(() => installTools(wanted, say));
  const left = await allMissing(programs);
  if (left.length > 0)
    throw new Error(
      `The tests need ${left.map(({ tool }) => tool).join(", ")}, which this system does not have. ` +
        `Type: ${installCommand(left)}`,
    );
}

/**
 * The tests need nginx as a program, not as a server on port 80: packages ask this file before they start a service.
 * @param {() => Promise<void>} install
 */
async function withoutStartingServices(install) {
  const policy = "/usr/sbin/policy-rc.d";
  const ours = !existsSync(policy);
  if (ours) {
    writeFileSync(policy, "#!/bin/sh\nexit 101\n");
    chmodSync(policy, 0o755);
  }
  try {
    await install();
  } finally {
    if (ours) rmSync(policy);
  }
}
