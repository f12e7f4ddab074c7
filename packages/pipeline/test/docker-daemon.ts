/** A Docker daemon for tests: the system's where one answers, otherwise one of their own in a temporary folder, as root. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, request } from "undici";
import { programPath } from "../../../test/support/system.mjs";

export interface DockerDaemon {
  /** `unix:///path`. */
  url: string;
  /** Any call of the Engine API; returns the parsed answer. */
  call(method: "GET" | "POST" | "DELETE", path: string, body?: Buffer | object): Promise<unknown>;
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 30_000;
/** Two daemons on one machine quarrel over its bridge and firewall: where one answers, it is used. */
const SYSTEM_SOCKET = "/var/run/docker.sock";

export async function startDockerDaemon(): Promise<DockerDaemon> {
  const system = connect(SYSTEM_SOCKET);
  try {
    await system.call("GET", "/_ping");
    return { ...system, stop: system.close };
  } catch {
    await system.close();
  }
  const folder = await mkdtemp(join(tmpdir(), "cofi-dockerd-"));
  const config = join(folder, "daemon.json");
  await writeFile(config, "{}");
  const { url, call, close } = connect(join(folder, "docker.sock"));
  const log: string[] = [];
  const daemon = spawn(
    programPath("dockerd"),
    [
      `--host=${url}`,
      `--data-root=${join(folder, "data")}`,
      `--exec-root=${join(folder, "exec")}`,
      `--pidfile=${join(folder, "pid")}`,
      `--config-file=${config}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  daemon.stderr.setEncoding("utf8").on("data", (text: string) => log.push(text));
  const stop = async (): Promise<void> => {
    await close();
    await end(daemon);
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await call("GET", "/_ping");
      return { url, call, stop };
    } catch (error) {
      if (daemon.exitCode !== null || Date.now() > deadline) {
        const left = await stop().then(
          () => "",
          (problem: Error) => ` (and not all of it could be removed: ${problem.message})`,
        );
        throw new Error(`dockerd does not start; it needs root and cgroups${left}: ${log.join("").slice(-1000)}`, {
          cause: error,
        });
      }
    }
    await pause(50);
  }
}

function connect(socketPath: string): Pick<DockerDaemon, "url" | "call"> & { close: () => Promise<void> } {
  const agent = new Agent({ connect: { socketPath } });
  return {
    url: `unix://${socketPath}`,
    close: () => agent.destroy(),
    async call(method, path, body) {
      const raw = Buffer.isBuffer(body);
      const answer = await request(`http://docker${path}`, {
        method,
        dispatcher: agent,
        ...(body ? { body: raw ? body : JSON.stringify(body) } : {}),
        headers: { "content-type": raw ? "application/x-tar" : "application/json" },
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text;
      }
    },
  };
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exit = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await exit;
}

/** An image of this machine's Node that runs `program`: made without a registry. */
export async function importNodeImage(daemon: DockerDaemon, name: string, program: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "cofi-image-"));
  try {
    const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
    for (const path of sharedObjects.filter(
      (file) => /^\/(?:usr\/)?lib/.test(file) && !file.includes("node_modules"),
    )) {
      await mkdir(join(root, dirname(path)), { recursive: true });
      await copyFile(await realpath(path), join(root, path));
    }
    await copyFile(process.execPath, join(root, "node"));
    await writeFile(join(root, "program.mjs"), program);
    const tar = join(root, "..", `${root.split("/").at(-1)}.tar`);
    execFileSync("tar", ["--create", "--file", tar, "--directory", root, "."]);
    const changes = encodeURIComponent('ENTRYPOINT ["/node","/program.mjs"]');
    await daemon.call("POST", `/images/create?fromSrc=-&repo=${name}&tag=1&changes=${changes}`, await readFile(tar));
    await rm(tar);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
