/** The image of the Dockerfile, on a base that stands in for the one of a registry: this machine's programs. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "@cofi/engines/system-tools";
import type { DockerDaemon } from "./docker-daemon.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Of Debian: the Dockerfile installs the last three with apt-get, which has nothing left to do here. */
const PROGRAMS = ["sh", "mkdir", "chown", "rm", "env", "ffmpeg", "ffprobe", "pocketsphinx_batch"];
const MODEL = "/usr/share/pocketsphinx";
const STAGE = /^FROM \$\{NODE_IMAGE\} AS build$[^]*?(?=^FROM )/m;

/**
 * Builds the target `service`. Everything from the stage `runtime` on is as written in the Dockerfile; the stage before it,
 * which needs a registry to install from, is replaced by what is installed and built here.
 */
export async function buildCofiImage(daemon: DockerDaemon, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-image-"));
  try {
    const base = join(folder, "base.tar");
    await standInBase(join(folder, "base"), base);
    await daemon.call("POST", `/images/create?fromSrc=-&repo=${name}&tag=base`, await readFile(base));
    const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
    if (!STAGE.test(dockerfile)) throw new Error("The Dockerfile has no stage `build` that could be replaced.");
    const standIn = "FROM ${NODE_IMAGE} AS build\nCOPY . /cofi\n\n";
    await writeFile(join(folder, "Dockerfile"), dockerfile.replace(STAGE, standIn));
    const context = join(folder, "context.tar");
    tar(context, ["--directory", folder, "Dockerfile", "--directory", ROOT, ...installed()]);
    const buildargs = encodeURIComponent(JSON.stringify({ NODE_IMAGE: `${name}:base` }));
    const query = `t=${name}:1&target=service&forcerm=true&networkmode=none&buildargs=${buildargs}`;
    const log = String(await daemon.call("POST", `/build?${query}`, await readFile(context)));
    if (!log.includes("Successfully tagged")) throw new Error(`The image cannot be built: ${log.slice(-2_000)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What `npm ci --omit=dev` leaves, and the built packages, by their paths below the root. */
function installed(): string[] {
  const listing = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], { cwd: ROOT, encoding: "utf8" });
  const modules = listing
    .split("\n")
    .map((path) => relative(ROOT, path))
    .filter((path) => path.startsWith("node_modules/"));
  const parts = ["package.json", "bin", "dist", "data", "migrations"];
  const packages = readdirSync(join(ROOT, "packages")).flatMap((room) =>
    parts.map((part) => join("packages", room, part)).filter((path) => existsSync(join(ROOT, path))),
  );
  // A module inside another one comes with it.
  const outermost = modules.filter((path) => !modules.some((other) => path.startsWith(`${other}/`)));
  return ["package.json", ...packages, ...outermost];
}

async function standInBase(root: string, target: string): Promise<void> {
  const take = async (path: string, as = path): Promise<void> => {
    await mkdir(join(root, dirname(as)), { recursive: true });
    await copyFile(await realpath(path), join(root, as));
  };
  const programs = [process.execPath];
  for (const name of PROGRAMS) {
    const path = await findProgram(name);
    if (path === undefined) throw new Error(`This machine has no ${name}.`);
    programs.push(path);
  }
  const libraries = execFileSync("ldd", programs, { encoding: "utf8" }).matchAll(/(\/\S+\.so\S*)(?= \(0x)/g);
  for (const path of new Set([...libraries].map(([, library]) => library!))) await take(path);
  for (const path of programs) await take(path, join("/usr/bin", path.split("/").at(-1)!));
  await symlink("usr/bin", join(root, "bin"));
  await cp(MODEL, join(root, MODEL), { recursive: true });
  // As the image of Node has it.
  await mkdir(join(root, "etc"), { recursive: true });
  await writeFile(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
  await writeFile(join(root, "usr/bin/apt-get"), "#!/bin/sh\n");
  await chmod(join(root, "usr/bin/apt-get"), 0o755);
  for (const place of ["tmp", "var/lib/apt/lists"]) await mkdir(join(root, place), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  tar(target, ["--directory", root, "."]);
}

function tar(file: string, what: string[]): void {
  execFileSync("tar", ["--create", "--file", file, "--owner=0", "--group=0", ...what]);
}
