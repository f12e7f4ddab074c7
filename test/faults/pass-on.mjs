/**
 * The network of an engine on a machine of a lab: listens on its address and passes each connection on to the engine's socket, as
 * long as standard input is open. node pass-on.mjs <address> <port> <socket>
 */
import { connect, createServer } from "node:net";

const [address, port, path = ""] = process.argv.slice(2);

createServer({ allowHalfOpen: true }, (client) => {
  const engine = connect({ path, allowHalfOpen: true });
  client.pipe(engine).pipe(client);
  for (const [one, other] of [
    [client, engine],
    [engine, client],
  ])
    one?.on("error", () => other?.destroy()).on("close", () => other?.destroy());
}).listen(Number(port), address, () => console.log("listening"));

process.stdin.on("end", () => process.exit()).resume();
