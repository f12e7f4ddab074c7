/** Where the database is: read from the environment, validated, with errors that name the variable. */
import { isAbsolute, join, resolve } from "node:path";
import { SettingsError, wholeNumber } from "../environment.js";

/**
 * The database URL: `COFI_DATABASE_URL`, else one made of `MYSQL_HOST` and its companions, else an SQLite file in `dataDir`.
 * Accepts `mysql://user:password@host:port/database` (also `mariadb://`) and `sqlite:path`.
 * @throws SettingsError
 */
export function databaseUrl(env: NodeJS.ProcessEnv, dataDir: string): string {
  const url = env["COFI_DATABASE_URL"]?.trim();
  if (url) return checked(url);
  const host = env["MYSQL_HOST"]?.trim();
  if (!host) return `sqlite:${join(resolve(dataDir), "cofi.sqlite")}`;
  const port = env["MYSQL_PORT"]?.trim() || "3306";
  if (wholeNumber(port, 1, 65_535) === null)
    throw new SettingsError(`MYSQL_PORT is ${JSON.stringify(port)}; expected a port from 1 to 65535.`);
  const required = (name: string): string => {
    const value = env[name];
    if (!value)
      throw new SettingsError(`${name} is not set, but MYSQL_HOST is. Set ${name}, or use COFI_DATABASE_URL.`);
    return encodeURIComponent(value);
  };
  const password = env["MYSQL_PASSWORD"] ? `:${encodeURIComponent(env["MYSQL_PASSWORD"])}` : "";
  return `mysql://${required("MYSQL_USER")}${password}@${host}:${port}/${required("MYSQL_DATABASE")}`;
}

function checked(url: string): string {
  if (url.startsWith("sqlite:")) {
    const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (!path) throw new SettingsError("COFI_DATABASE_URL names no file: write sqlite:data/cofi.sqlite, say.");
    return `sqlite:${isAbsolute(path) ? path : resolve(path)}`;
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new SettingsError(
      "COFI_DATABASE_URL is not a URL. Write mysql://user:password@host:3306/database (special characters in the " +
        "password percent-encoded) or sqlite:path/to/file.",
    );
  }
  if (parsed.protocol !== "mysql:" && parsed.protocol !== "mariadb:")
    throw new SettingsError(
      `COFI_DATABASE_URL starts with ${parsed.protocol}//; expected mysql://, mariadb:// or sqlite:.`,
    );
  if (parsed.pathname.length < 2)
    throw new SettingsError("COFI_DATABASE_URL names no database: end it with /name_of_the_database.");
  return url.replace(/^mariadb:/, "mysql:");
}

/** The URL without its password, for messages and logs. */
export function describeUrl(url: string): string {
  if (url.startsWith("sqlite:")) return url;
  const parsed = new URL(url);
  return `mysql://${parsed.username}@${parsed.host}${parsed.pathname}`;
}
