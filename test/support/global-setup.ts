/** One server for the whole run, or the one that COFI_TEST_MYSQL_URL names; each test makes its own database on it. */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { TestProject } from "vitest/node";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server.js";
import { PRODUCT, type Product } from "./server-program.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `mysql://user:password@127.0.0.1:port/` */
    serverUrl: string;
    /** Folder with the key of access logs, and their ends. */
    logFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const logFolder = await mkdtemp(join(tmpdir(), "cofi-access-log-"));
  project.provide("logFolder", logFolder);
  const removeFolder = (): Promise<void> => rm(logFolder, { recursive: true, force: true });
  const chosen = process.env["COFI_TEST_MYSQL_URL"]?.trim();
  if (chosen) {
    const url = chosen.replace(/\/*$/, "/");
    const { product, version } = await identify(url);
    // Where a product was asked for, another one must not pass for it.
    if (process.env["COFI_TEST_SERVER"] !== undefined && product !== PRODUCT)
      throw new Error(`COFI_TEST_MYSQL_URL names a server of version ${version}, which is not ${PRODUCT}.`);
    console.log(`The tests run on ${product} ${version}, which COFI_TEST_MYSQL_URL names.`);
    project.provide("serverUrl", url);
    return removeFolder;
  }
  const server = await startServer();
  const { product, version } = await identify(server.url);
  console.log(`The tests run on ${product} ${version}.`);
  project.provide("serverUrl", server.url);
  return async () => {
    await server.stop();
    await removeFolder();
  };
}

async function identify(uri: string): Promise<{ product: Product; version: string }> {
  const connection = await createConnection({ uri });
  try {
    const [rows] = await connection.query<RowDataPacket[]>("SELECT VERSION() AS version");
    const version = String(rows[0]?.["version"]);
    return { product: /mariadb/i.test(version) ? "mariadb" : "mysql", version };
  } finally {
    await connection.end();
  }
}
