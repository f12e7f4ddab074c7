/** One MariaDB server for the whole run, or the one that COFI_TEST_MYSQL_URL names; each test makes its own database on it. */
import type { TestProject } from "vitest/node";
import { startMariadb } from "./mariadb.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `mysql://user:password@127.0.0.1:port/` */
    mariadbUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const chosen = process.env["COFI_TEST_MYSQL_URL"]?.trim();
  if (chosen) {
    project.provide("mariadbUrl", chosen.replace(/\/*$/, "/"));
    return async () => undefined;
  }
  const server = await startMariadb();
  project.provide("mariadbUrl", server.url);
  return () => server.stop();
}
