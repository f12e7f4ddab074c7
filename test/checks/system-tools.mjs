import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** What the tests call beyond npm, and the Debian package that brings it. */
const TOOLS = [
  { names: ["mariadbd"], aptPackage: "mariadb-server" },
  { names: ["mariadb-install-db"], aptPackage: "mariadb-server" },
  { names: ["chromium", "chromium-browser", "google-chrome"], aptPackage: "chromium" },
  { names: ["ffmpeg"], aptPackage: "ffmpeg" },
  { names: ["pocketsphinx_batch"], aptPackage: "pocketsphinx" },
  { paths: ["/usr/share/pocketsphinx/model/en-us/en-us/mdef"], aptPackage: "pocketsphinx-en-us" },
  { names: ["nginx"], aptPackage: "nginx-light" },
];

function exists({ names = [], paths = [] }) {
  // Servers live in sbin, which is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const candidates = [...paths, ...names.flatMap((name) => folders.map((folder) => join(folder, name)))];
  return candidates.some((path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missingPackages() {
  return [...new Set(TOOLS.filter((tool) => !exists(tool)).map(({ aptPackage }) => aptPackage))];
}

/** Installs with apt-get what is missing, when it may; otherwise ends the run with the command to type. */
export function provideTools() {
  process.env.PATH = `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`;
  const packages = missingPackages();
  if (packages.length === 0) return;
  const install = ["install", "-y", "-q", "--no-install-recommends", ...packages];
  const mayInstall = process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0;
  if (mayInstall) {
    console.log(`Installing ${packages.join(", ")} with apt-get: the tests need them.`);
    const options = {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    };
    spawnSync("apt-get", ["update", "-q"], options);
    spawnSync("apt-get", install, options);
    if (missingPackages().length === 0) return;
  }
  const command = `apt-get update && apt-get ${install.join(" ")}`;
  console.error(`The tests need ${missingPackages().join(", ")}. Install with: ${mayInstall ? "" : "sudo "}${command}`);
  console.log("0 passed, 1 failed");
  process.exit(1);
}
