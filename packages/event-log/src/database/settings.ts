/** Where the database is: read from the environment, validated, with errors that name the variable. */
import { isIPv6 } from "node:net";
import { isAbsolute, join, resolve } from "node:path";
import { SettingsError, wholeNumber } from "../environment.js";
import { parseJson } from "../json.js";

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
  return `mysql://${required("MYSQL_USER")}${password}@${inUrl(host)}:${port}/${required("MYSQL_DATABASE")}`;
}

/** A host as it stands in a URL. @throws SettingsError */
function inUrl(host: string): string {
  if (isIPv6(host)) return `[${host}]`;
  if (/^[\w.-]+$/.test(host)) return host;
  throw new SettingsError(
    "MYSQL_HOST is not the name or the address of a host. The port goes into MYSQL_PORT, and a URL into COFI_DATABASE_URL.",
  );
}

const SYNTAX =
  "Write mysql://user:password@host:3306/database (special characters in the password percent-encoded) or sqlite:path/to/file.";

function checked(url: string): string {
  if (/^sqlite:/i.test(url)) {
    const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
    if (!path) throw new SettingsError("COFI_DATABASE_URL names no file: write sqlite:data/cofi.sqlite, say.");
    return `sqlite:${isAbsolute(path) ? path : resolve(path)}`;
  }
  const parsed = parse(url);
  if (parsed.protocol !== "mysql:" && parsed.protocol !== "mariadb:")
    throw new SettingsError(
      `COFI_DATABASE_URL starts with ${parsed.protocol}//; expected mysql://, mariadb:// or sqlite:.`,
    );
  if (parsed.hostname === "") throw new SettingsError(`COFI_DATABASE_URL names no host. ${SYNTAX}`);
  if (!/^\/[^/]+$/.test(parsed.pathname))
    throw new SettingsError("COFI_DATABASE_URL names no database: end it with /name_of_the_database.");
  // The driver would take any of its own options from here, also those that change what comes back from a query.
  for (const [name, value] of parsed.searchParams) {
    if (name !== "ssl")
      throw new SettingsError(`COFI_DATABASE_URL has the option ${name}, which Cofi does not know. Remove it.`);
    if (!isJsonObject(value))
      throw new SettingsError(
        'COFI_DATABASE_URL has the option ssl with a value that is not a JSON object. Write ssl={"rejectUnauthorized":true}, percent-encoded.',
      );
  }
  return url.replace(/^(mysql|mariadb):/i, "mysql:");
}

/** @throws SettingsError, which does not repeat the text: it may hold a password */
function parse(url: string): URL {
  try {
    const parsed = new URL(url);
    for (const part of ["username", "password", "hostname", "pathname"] as const) decodeURIComponent(parsed[part]);
    return parsed;
  } catch {
    throw new SettingsError(`COFI_DATABASE_URL is not a URL. ${SYNTAX}`);
  }
}

function isJsonObject(text: string): boolean {
  const value = parseJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The URL without its password, for messages and logs. */
export function describeUrl(url: string): string {
  if (url.startsWith("sqlite:")) return url;
  const parsed = new URL(url);
  return `mysql://${parsed.username}@${parsed.host}${parsed.pathname}`;
}
