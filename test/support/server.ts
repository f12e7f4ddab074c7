/** A database server of the tests' own: in a temporary folder, on a free port, ended by pid. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { freePort } from "./free-port.js";
import { SERVER, seenByServer, serverCommand, temporaryFolder } from "./server-program.js";

export interface TestServer {
  /** `mysql://user:password@127.0.0.1:port/`, without a database. */
  readonly url: string;
  readonly port: number;
  /** An empty database; returns its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** Shuts it down and removes its folder. */
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 60_000;
const USER = "cofi";

/**
 * Starts a server with strict defaults and durability off: the tests' data need not survive the machine.
 * @param options `flags` are added to the command lines of setup and start, and win over ours
 */
export async function startServer(options: { durable?: boolean; flags?: string[] } = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(await temporaryFolder(), "cofi-server-"));
  const password = randomBytes(12).toString("hex");
  const log = join(folder, "error.log");
  const socket = join(folder, "socket");
  await mkdir(join(folder, "tmp"));
  const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
  const base = [
    "--no-defaults",
    ...asRoot,
    `--datadir=${seenByServer(join(folder, "data"))}`,
    // Its own: a server that starts removes what it finds of temporary tables, those of other servers too.
    `--tmpdir=${seenByServer(join(folder, "tmp"))}`,
  ];
  const flags = options.flags ?? [];
  const install = serverCommand(SERVER.installer, [...base, ...SERVER.install, ...flags]);
  const { status, error, stdout, stderr } = spawnSync(...install, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${SERVER.installer} failed: ${error?.message ?? stderr + stdout}`);

  let server: ChildProcess;
  let port = 0;

  /** Another program may take the port between the look and the start: then another port is used. */
  async function start(fixedPort: number | null): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      port = fixedPort ?? (await freePort());
      const command = serverCommand(SERVER.daemon, [
        ...base,
        `--socket=${seenByServer(socket)}`,
        `--port=${port}`,
        `--pid-file=${seenByServer(join(folder, "pid"))}`,
        `--log-error=${seenByServer(log)}`,
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--default-time-zone=+00:00",
        `--innodb-flush-log-at-trx-commit=${options.durable ? 1 : 2}`,
        "--innodb-buffer-pool-size=128M",
        "--max-connections=200",
        ...SERVER.flags,
        ...(options.durable ? [] : SERVER.notDurable),
        ...flags,
      ]);
      server = spawn(...command, { stdio: "ignore" });
      if (await answers()) return;
      if (attempt === 3)
        throw new Error(
          `${SERVER.daemon} does not start: ${await readFile(log, "utf8").catch((reason: Error) => reason.message)}`,
        );
    }
  }

  async function answers(): Promise<boolean> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadline && server.exitCode === null && server.signalCode === null) {
      try {
        const connection = await createConnection({ socketPath: socket, user: "root" });
        await connection.query(`CREATE USER IF NOT EXISTS '${USER}'@'%' IDENTIFIED BY '${password}'`);
        await connection.query(`GRANT ALL ON *.* TO '${USER}'@'%' WITH GRANT OPTION`);
        await connection.end();
        return true;
      } catch {
        await pause(50);
      }
    }
    await end("SIGKILL");
    return false;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    server.kill(signal);
    await exit;
  }

  await start(null);
  const url = `mysql://${USER}:${password}@127.0.0.1:${port}/`;
  return {
    url,
    port,
    createDatabase: async () => (await createDatabaseOn(url)).url,
    kill: () => end("SIGKILL"),
    restart: async () => {
      await end("SIGTERM");
      await start(port);
    },
    stop: async () => {
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An empty database on the server at `serverUrl`; `drop` removes it. */
export async function createDatabaseOn(serverUrl: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `cofi_${randomBytes(6).toString("hex")}`;
  const run = async (statement: string): Promise<void> => {
    const connection = await createConnection({ uri: serverUrl });
    try {
      await connection.query(statement);
    } finally {
      await connection.end();
    }
  };
  await run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
  return { url: serverUrl + name, drop: () => run(`DROP DATABASE ${name}`) };
}
