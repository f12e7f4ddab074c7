/**
 * Which database server the tests run on: this machine's MariaDB, unless COFI_TEST_SERVER and COFI_TEST_SERVER_ROOT say
 * otherwise, as `test/run.mjs --server=…` sets them.
 */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { programPath } from "./system.mjs";

/** How each product is set up and started; all else on their command lines is the same. */
const PRODUCTS = {
  mariadb: {
    daemon: "mariadbd",
    installer: "mariadb-install-db",
    // It need not know a name of this machine.
    install: ["--auth-root-authentication-method=normal", "--skip-test-db", "--force"],
    flags: [],
    notDurable: [],
  },
  mysql: {
    daemon: "mysqld",
    installer: "mysqld",
    install: ["--initialize-insecure"],
    // Its X protocol would want a port of its own, and its folder for files is one of the system's.
    flags: ["--mysqlx=OFF", "--secure-file-priv=NULL"],
    // Its binary log is on by default.
    notDurable: ["--sync-binlog=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"],
  },
} as const;

export type Product = keyof typeof PRODUCTS;
type Program = (typeof PRODUCTS)[Product]["daemon" | "installer"];

export const PRODUCT: Product = process.env["COFI_TEST_SERVER"] === "mysql" ? "mysql" : "mariadb";

/** The folder that the server takes for `/`: this machine's, or a tree with a Debian system of its own. */
const ROOT = process.env["COFI_TEST_SERVER_ROOT"];

export const SERVER = PRODUCTS[PRODUCT];

/** A folder for temporary files that the server can see. */
export async function temporaryFolder(): Promise<string> {
  const folder = join(ROOT ?? "/", tmpdir());
  await mkdir(folder, { recursive: true });
  return folder;
}

/** A path of this machine, as the server sees it. */
export function seenByServer(path: string): string {
  return join("/", relative(ROOT ?? "/", path));
}

/** What to spawn to run one of the server's programs. @throws Error when this machine has none */
export function serverCommand(program: Program, args: readonly string[]): [program: string, args: string[]] {
  // Debian's MariaDB brings a mysqld too.
  if (ROOT === undefined && PRODUCT === "mysql")
    throw new Error("This test starts a MySQL server of its own, and this run has none: its first lines say why.");
  if (ROOT === undefined || ROOT === "/") return [programPath(program), [...args]];
  return ["/usr/sbin/chroot", [ROOT, "/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", program, ...args]];
}
