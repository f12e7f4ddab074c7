/** The floor: a hub of node:http alone, which reads the table every 25 ms and writes ten frames a second. `node bare-hub.mjs <database url>` */
import { createServer } from "node:http";
import { createConnection } from "mysql2/promise";

const connection = await createConnection({ uri: process.argv[2] ?? "" });
/** @type {Set<import("node:http").ServerResponse>} */
const viewers = new Set();
const server = createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(": open\n\n");
  viewers.add(response);
  response.on("close", () => viewers.delete(response));
});
server.listen(0, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}/`),
);

/** @typedef {import("mysql2").RowDataPacket[]} Rows */
const [top] = /** @type {[Rows, unknown]} */ (
  await connection.query("SELECT coalesce(max(id), 0) AS id FROM batchExecutionLog")
);
let last = top[0]?.["id"];
/** @type {Rows} */
let waiting = [];
const poll = async () => {
  const [rows] = /** @type {[Rows, unknown]} */ (
    await connection.execute(
      "SELECT id, batchId, timestamp, stage, eventType, fileName, gpuIp, status, durationMs FROM batchExecutionLog WHERE id > ? ORDER BY id LIMIT 1000",
      [last],
    )
  );
  last = rows.at(-1)?.["id"] ?? last;
  waiting.push(...rows);
  setTimeout(() => void poll(), 25);
};
void poll();
setInterval(() => {
  if (waiting.length === 0) return;
  const frame = Buffer.from(`event: events\nid: ${last}\ndata: ${JSON.stringify({ events: waiting })}\n\n`);
  waiting = [];
  for (const viewer of viewers) viewer.write(frame);
}, 100);
