import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { databaseUrl } from "@cofi/event-log/settings";
import { dataDir } from "../environment.js";

/** `cofi migrate`: brings the configured database's schema up to date. */
export async function migrateCommand(): Promise<void> {
  const database = await openDatabase(databaseUrl(process.env, dataDir()));
  try {
    const applied = await migrate(database);
    const names = applied.map((name) => `  ${name}\n`).join("");
    console.log(
      applied.length > 0
        ? `Applied to ${database.description}:\n${names.trimEnd()}`
        : `${database.description} is up to date.`,
    );
  } finally {
    await database.close();
  }
}
