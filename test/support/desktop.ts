/**
 * A desktop as far as browsers notify through it: a message bus of its own (dbus-daemon) and on it the notification service
 * of the freedesktop.org specification, which keeps what it is asked to show and says what is clicked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { bytesOf, MessageReader, messageOf, type Message } from "./dbus-message.js";
import { programPath } from "./system.mjs";

const NAME = "org.freedesktop.Notifications";
const PATH = "/org/freedesktop/Notifications";
const BUS = "org.freedesktop.DBus";
const START_DEADLINE_MS = 15_000;

interface DesktopNotification {
  id: number;
  title: string;
  /** As the browser passes it on: the page's origin comes first. */
  body: string;
}

export interface Desktop {
  /** For the browser's environment: `DBUS_SESSION_BUS_ADDRESS`. */
  address: string;
  /** In the order in which they were shown; one that replaces another comes again with its id. */
  notifications: readonly DesktopNotification[];
  click(id: number): void;
  stop(): Promise<void>;
}

export async function startDesktop(): Promise<Desktop> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-desktop-"));
  const socketPath = join(folder, "bus");
  const address = `unix:path=${socketPath}`;
  // Without folders of services: what is asked for and is not there is not started.
  await writeFile(
    join(folder, "bus.conf"),
    `<busconfig><type>session</type><listen>${address}</listen><auth>EXTERNAL</auth>
     <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  const daemon = spawn(programPath("dbus-daemon"), ["--nofork", `--config-file=${join(folder, "bus.conf")}`], {
    stdio: "ignore",
  });
  const exited = once(daemon, "exit");
  const stop = async (): Promise<void> => {
    daemon.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!existsSync(socketPath)) {
    if (daemon.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error("dbus-daemon does not start");
    }
    await pause(20);
  }
  const notifications: DesktopNotification[] = [];
  const socket = await signedIn(socketPath);
  const service = new NotificationService(socket, notifications);
  await service.ready;
  return {
    address,
    notifications,
    click: (id) => service.click(id),
    async stop() {
      socket.destroy();
      await stop();
    },
  };
}

/** The kernel authenticates the caller to the bus. */
async function signedIn(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid?.() ?? 0)).toString("hex")}\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString().startsWith("OK ")) throw new Error(`The message bus says ${answer.toString()}`);
  socket.write("BEGIN\r\n");
  return socket;
}

class NotificationService {
  /** Resolves when the bus knows the service by its name. */
  readonly ready: Promise<void>;
  readonly #socket: Socket;
  readonly #notifications: DesktopNotification[];
  #serial = 0;
  #lastId = 0;

  constructor(socket: Socket, notifications: DesktopNotification[]) {
    this.#socket = socket;
    this.#notifications = notifications;
    const { promise, resolve } = newPromise();
    this.ready = promise;
    let received = Buffer.alloc(0);
    socket.on("data", (data: Buffer) => {
      received = Buffer.concat([received, data]);
      for (let message = messageOf(received); message; message = messageOf(received)) {
        received = received.subarray(message.size);
        if (message.replySerial === NAME_REQUEST) resolve();
        if (message.type === "call") this.#answer(message);
      }
    });
    const ofBus = { path: "/org/freedesktop/DBus", interface: BUS, destination: BUS };
    this.#send({ ...ofBus, type: "call", member: "Hello" });
    this.#send({ ...ofBus, type: "call", member: "RequestName", signature: "su" }, NAME, 0);
  }

  click(id: number): void {
    this.#send(
      { type: "signal", path: PATH, interface: NAME, member: "ActionInvoked", signature: "us" },
      id,
      "default",
    );
  }

  #answer({ member, sender, serial, body }: Message): void {
    const reply = { type: "return", replySerial: serial, destination: sender } as const;
    if (member === "GetCapabilities") this.#send({ ...reply, signature: "as" }, ["actions", "body"]);
    else if (member === "GetServerInformation")
      this.#send({ ...reply, signature: "ssss" }, "desktop", "cofi", "1", "1.2");
    else if (member === "Notify") this.#send({ ...reply, signature: "u" }, this.#show(body));
    else this.#send(reply);
  }

  /** `app, replaces, icon, summary, body`, and what is not looked at here. */
  #show(bodyOfCall: Buffer): number {
    const reader = new MessageReader(bodyOfCall);
    reader.text();
    const id = reader.number() || ++this.#lastId;
    reader.text();
    this.#notifications.push({ id, title: reader.text(), body: reader.text() });
    return id;
  }

  #send(header: Parameters<typeof bytesOf>[0], ...values: Parameters<typeof bytesOf>[2]): void {
    this.#socket.write(bytesOf(header, ++this.#serial, values));
  }
}

/** The second message that the service sends. */
const NAME_REQUEST = 2;

function newPromise(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
