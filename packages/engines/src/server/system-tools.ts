import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** A program or model of the system that engines call, and the Debian or Ubuntu package that brings it. */
interface Tool {
  name: string;
  aptPackage: string;
  find(): Promise<string | undefined>;
}

export interface MissingTool {
  tool: string;
  aptPackage: string;
}

const MODEL_FOLDERS = ["/usr/share/pocketsphinx/model/en-us/en-us", "/usr/local/share/pocketsphinx/model/en-us/en-us"];

const FFMPEG: Tool = { name: "ffmpeg", aptPackage: "ffmpeg", find: () => findProgram("ffmpeg") };
const FFPROBE: Tool = { name: "ffprobe", aptPackage: "ffmpeg", find: () => findProgram("ffprobe") };
const POCKETSPHINX: Tool = {
  name: "pocketsphinx_batch",
  aptPackage: "pocketsphinx",
  find: () => findProgram("pocketsphinx_batch"),
};
const ENGLISH_MODEL: Tool = {
  name: "the English acoustic model of pocketsphinx",
  aptPackage: "pocketsphinx-en-us",
  find: findAcousticModel,
};

const TOOLS: Record<string, readonly Tool[]> = {
  denoise: [FFMPEG, FFPROBE],
  ivr: [FFMPEG, FFPROBE],
  lid: [FFMPEG, FFPROBE, POCKETSPHINX, ENGLISH_MODEL],
  stt: [FFMPEG, FFPROBE, POCKETSPHINX, ENGLISH_MODEL],
};

/** Path of an executable on `PATH`, or `undefined`. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return firstExisting(
    folders.map((folder) => join(folder, name)),
    constants.X_OK,
  );
}

/** The folder of pocketsphinx's English acoustic model (it holds `mdef`), or `undefined`. `COFI_POCKETSPHINX_MODEL` goes first. */
export async function findAcousticModel(): Promise<string | undefined> {
  const configured = process.env["COFI_POCKETSPHINX_MODEL"];
  const folders = configured ? [configured] : MODEL_FOLDERS;
  const mdef = await firstExisting(
    folders.map((folder) => join(folder, "mdef")),
    constants.R_OK,
  );
  return mdef?.slice(0, -"/mdef".length);
}

/** Returns the tools that the engines of these stages need and the system lacks. */
export async function checkTools(stages: string | readonly string[]): Promise<{ missing: MissingTool[] }> {
  const names = typeof stages === "string" ? [stages] : stages;
  const tools = new Set(names.flatMap((stage) => TOOLS[stage] ?? []));
  const missing: MissingTool[] = [];
  for (const { name, aptPackage, find } of tools) {
    if ((await find()) === undefined) missing.push({ tool: name, aptPackage });
  }
  return { missing };
}

/** The shell command that installs the missing tools. */
export function installCommand(missing: readonly MissingTool[]): string {
  const asRoot = process.getuid?.() === 0 ? "" : "sudo ";
  return `${asRoot}apt-get install -y --no-install-recommends ${packagesOf(missing).join(" ")}`;
}

/** Names the missing tools and how to install them. */
export function missingToolsMessage(missing: readonly MissingTool[]): string {
  return `Not found on this system: ${missing.map(({ tool }) => tool).join(", ")}. Install with: ${installCommand(missing)}`;
}

/** Says why a program could not be started, and how to get it when it is not there. */
export function cannotStart(program: string, aptPackage: string, cause: NodeJS.ErrnoException): Error {
  const remedy = cause.code === "ENOENT" ? ` Install it: apt-get install ${aptPackage}` : "";
  return new Error(`${program} cannot be started: ${cause.message}.${remedy}`, { cause });
}

/** Throws an error with the command to type when a program that the stage needs is missing. */
export async function requireTools(stage: string): Promise<void> {
  const { missing } = await checkTools(stage);
  if (missing.length > 0) throw new Error(missingToolsMessage(missing));
}

/** True where `installTools` can work: running as root on a system with apt-get. */
export async function canInstallTools(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findProgram("apt-get")) !== undefined;
}

/**
 * Installs the missing tools with apt-get, without asking, and reports each step through `say`. Throws with the command to type
 * when it may not (not root, no apt-get) or when apt-get fails.
 */
export async function installTools(missing: readonly MissingTool[], say: (line: string) => void): Promise<void> {
  if (missing.length === 0) return;
  if (!(await canInstallTools())) throw new Error(missingToolsMessage(missing));
  const packages = packagesOf(missing);
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  say(`Installing ${packages.join(", ")} with apt-get, for ${missing.map(({ tool }) => tool).join(", ")}`);
  try {
    await aptGet(install);
  } catch {
    // Often the package lists are missing or old: a fresh container has none.
    say("apt-get could not install them at once: updating the package lists");
    await aptGet(["update"]);
    await aptGet(install);
  }
  say(`Installed ${packages.join(", ")}`);
}

function packagesOf(missing: readonly MissingTool[]): string[] {
  return [...new Set(missing.map(({ aptPackage }) => aptPackage))];
}

function aptGet(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("apt-get", ["-q", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`apt-get ${args.join(" ")} ended with code ${code}: ${stderr.trim()}`));
    });
  });
}

async function firstExisting(paths: readonly string[], mode: number): Promise<string | undefined> {
  for (const path of paths) {
    const found = await access(path, mode).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
