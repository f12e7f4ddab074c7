/**
 * Several machines on one: network namespaces with an address each, on a switch of their own. They are known to the process that
 * holds them alone: nothing of this machine's network is touched, and nothing is left when the tests end, however they do.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { programPath } from "./system.mjs";

export interface NetworkLab {
  /** Connects one more machine. */
  machine(): Promise<Machine>;
  /** Loses so much of what goes between two machines, from 0 to 1. */
  lose(a: Machine, b: Machine, share: number): Promise<void>;
  close(): Promise<void>;
}

export interface Machine {
  readonly address: string;
  /** What a command is preceded by to run on this machine, as the same process. */
  readonly on: readonly string[];
  /** Pulls its cable, or puts it back. Nobody is told: packets vanish. */
  cable(is: "up" | "down"): Promise<void>;
}

interface Made extends Machine {
  name: string;
  mac: string;
}

/** Only seen from inside. */
const NETWORK = "10.77.0";
/** `ip` knows namespaces by files below /run: this one is the lab's own. The switch is in the namespace that holds them all. */
const HOLD = `mount -t tmpfs cofi-lab /run && mkdir /run/netns && ip link add switch type bridge && ip link set switch up &&
  echo ready && exec cat`;

/** @throws Error where namespaces cannot be made, with the reason */
export async function startNetworkLab(): Promise<NetworkLab> {
  const ip = programPath("ip");
  const iptables = programPath("iptables");
  const isRoot = process.getuid?.() === 0;
  const isolated = ["--net", "--mount", "--propagation", "private", ...(isRoot ? [] : ["--user", "--map-root-user"])];
  const holder = spawn("unshare", [...isolated, "sh", "-c", HOLD], { stdio: ["pipe", "pipe", "pipe"] });
  await readiness(holder);
  const users = isRoot ? [] : ["--user", "--preserve-credentials"];
  const inside = ["nsenter", "--target", String(holder.pid), "--net", "--mount", ...users, "--"];
  const machines: Made[] = [];

  async function run(...command: readonly string[]): Promise<void> {
    const [file = "", ...args] = [...inside, ...command];
    await promisify(execFile)(file, args);
  }

  function nameOf({ address }: Machine): string {
    return machines.find((one) => one.address === address)?.name ?? "none";
  }

  async function machine(): Promise<Machine> {
    const number = machines.length + 1;
    const name = `m${number}`;
    const address = `${NETWORK}.${number}`;
    const mac = `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`;
    const port = `port${number}`;
    await run(ip, "netns", "add", name);
    await run(ip, "link", "add", port, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", name);
    await run(ip, "link", "set", port, "master", "switch", "up");
    await run(ip, "-n", name, "address", "add", `${address}/24`, "dev", "eth0");
    for (const device of ["lo", "eth0"]) await run(ip, "-n", name, "link", "set", device, "up");
    const made: Made = {
      name,
      mac,
      address,
      on: [...inside, ip, "netns", "exec", name],
      cable: (is) => run(ip, "link", "set", port, is),
    };
    // As behind a router: nobody finds out by asking for an address that a machine is cut off.
    const knows = (one: Made, other: Made): Promise<void> =>
      run(
        ip,
        "-n",
        one.name,
        "neighbour",
        "add",
        other.address,
        "lladdr",
        other.mac,
        "dev",
        "eth0",
        "nud",
        "permanent",
      );
    for (const other of machines) {
      await knows(made, other);
      await knows(other, made);
    }
    machines.push(made);
    return made;
  }

  return {
    machine,
    async lose(a, b, share) {
      for (const [at, from] of [
        [a, b],
        [b, a],
      ] as const) {
        const filter = [ip, "netns", "exec", nameOf(at), iptables, "--wait"];
        await run(...filter, "--flush", "INPUT");
        const random = ["--match", "statistic", "--mode", "random", "--probability", String(share)];
        if (share > 0) await run(...filter, "--append", "INPUT", "--source", from.address, ...random, "--jump", "DROP");
      }
    },
    async close() {
      const ended = once(holder, "close");
      holder.stdin.end();
      await ended;
    },
  };
}

async function readiness(holder: ChildProcess): Promise<void> {
  let complaint = "";
  holder.stderr?.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const ended = once(holder, "close").then(() => "ended");
  const ready = once(holder.stdout!, "data").then(() => "ready");
  if ((await Promise.race([ended, ready])) === "ready") return;
  throw new Error(
    `Network namespaces cannot be made here: ${complaint.trim()}. Run this as root with CAP_SYS_ADMIN and CAP_NET_ADMIN, or allow ` +
      "unprivileged user namespaces.",
  );
}
