/** Debian's nginx with the example configuration of deploy/, in a temporary folder and on a free port. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./free-port.js";
import { programPath } from "./system.mjs";

const EXAMPLE = new URL("../../deploy/nginx.conf", import.meta.url);
const START_DEADLINE_MS = 15_000;

/** Replaces what must stand exactly once, so that a changed example cannot pass unproven. */
function replaced(text: string, search: string, replacement: string): string {
  if (text.split(search).length !== 2) throw new Error(`deploy/nginx.conf should hold ${search} once`);
  return text.replace(search, replacement);
}

/** Puts nginx in front of the server on `upstreamPort`. Only the two ports of the example are changed. */
export async function startNginx(upstreamPort: number): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-nginx-"));
  const port = await freePort();
  const example = await readFile(EXAMPLE, "utf8");
  const site = replaced(
    replaced(example, "server 127.0.0.1:5066;", `server 127.0.0.1:${upstreamPort};`),
    "listen 80;",
    `listen 127.0.0.1:${port};`,
  );
  await writeFile(join(folder, "site.conf"), site);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder};`);
  await writeFile(
    join(folder, "nginx.conf"),
    // Around the site as Debian has it: gzip on.
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events {} http { access_log off; gzip on; ${temporary.join(" ")} include ${folder}/site.conf; }`,
  );
  const server = spawn(programPath("nginx"), ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const exited = once(server, "exit");
  const stop = async (): Promise<void> => {
    server.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await listens(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      const log = await readFile(join(folder, "error.log"), "utf8");
      await stop();
      throw new Error(`nginx does not start with deploy/nginx.conf: ${log}`);
    }
    await pause(20);
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
