/** One MariaDB server for the whole run; each test makes its own database on it. */
import type { TestProject } from "vitest/node";
import { startMariadb } from "./mariadb.js";

declare module "vitest" {
  interface ProvidedContext {
    /** `mysql://user:password@127.0.0.1:port/` */
    mariadbUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startMariadb();
  project.provide("mariadbUrl", server.url);
  return () => server.stop();
}
