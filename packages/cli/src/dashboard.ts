/** Puts the dashboard together: settings, database, page, log. */
import { fileURLToPath } from "node:url";
import { pino, type Logger } from "pino";
import { createDashboard, type Dashboard } from "@cofi/dashboard/server";
import { dashboardSettings } from "@cofi/dashboard/settings";
import type { Database } from "@cofi/event-log/database";
import { assertMigrated } from "@cofi/event-log/migrate";
import { SettingsError } from "@cofi/event-log/environment";
import { Store } from "@cofi/event-log/store";
import { engineToken } from "@cofi/pipeline/engine-token";
import { rawAudioSettings } from "@cofi/pipeline/raw-audio-settings";
import { ownFiles } from "./engines.js";
import { listeningDir, logKeeper, signingKey } from "./environment.js";
import { configuredRecordings } from "./recordings.js";
import { VERSION } from "./version.js";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** A logger that writes to standard output at COFI_LOG_LEVEL. @throws SettingsError */
export function configuredLogger(): Logger {
  return pino({ level: logLevel() });
}

function logLevel(): string {
  const level = process.env["COFI_LOG_LEVEL"]?.trim() || "warn";
  if (!LOG_LEVELS.includes(level))
    throw new SettingsError(`COFI_LOG_LEVEL is ${JSON.stringify(level)}; expected one of ${LOG_LEVELS.join(", ")}.`);
  return level;
}

/** The dashboard with the settings of the environment; it does not listen yet. @throws SettingsError */
export async function configuredDashboard(database: Database): Promise<Dashboard> {
  const page = fileURLToPath(import.meta.resolve("@cofi/web/index.html"));
  const store = new Store(database);
  const recordings = configuredRecordings(store);
  const dashboard = await createDashboard({
    store,
    settings: dashboardSettings(process.env),
    webRoot: page.slice(0, -"/index.html".length),
    logger: configuredLogger(),
    keeper: logKeeper(),
    sound: {
      folder: listeningDir(),
      files: ownFiles(),
      engineToken: engineToken(process.env),
      raw: rawAudioSettings(process.env),
    },
    packs: { key: signingKey(), recordings: recordings.sources, version: VERSION },
    assertMigrated: () => assertMigrated(database),
  });
  return {
    listen: () => dashboard.listen(),
    async close() {
      await Promise.all([dashboard.close(), recordings.close()]);
    },
  };
}
