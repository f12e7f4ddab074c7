// Holds an SQLite file until its standard input ends: `node sqlite-holder.mjs <path> read|write`. Prints `held` when it does.
import { sql } from "kysely";
import { openDatabase } from "@cofi/event-log/database";

const [, , path = "", how = ""] = process.argv;
const database = await openDatabase(`sqlite:${path}`);
await database.kysely.connection().execute(async (db) => {
  if (how === "write") await sql`BEGIN IMMEDIATE`.execute(db);
  else {
    await sql`BEGIN DEFERRED`.execute(db);
    await sql`SELECT count(*) FROM batchStatus`.execute(db);
  }
  console.log("held");
  for await (const _ of process.stdin);
  await sql`ROLLBACK`.execute(db);
});
await database.close();
