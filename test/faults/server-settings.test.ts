/**
 * Servers are set up in many ways, and a session takes its settings from the server. Under each of them what is logged must
 * be stored, read back as it was written, and refused where it is refused elsewhere. Prints a table with figures; the long
 * form (`npm run faults`) migrates a database of its own under every setting.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type Connection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { startServer, type TestServer } from "../support/server.js";
import { PRODUCT, type Product } from "../support/server-program.js";
import { measure, RIGHT } from "./server-measures.js";

const IS_LONG = process.env["COFI_FAULT_ROUNDS"] !== undefined;

/** Set with SET GLOBAL; all go back afterwards to what they were. */
const SETTINGS: Record<string, string> = {
  "no special setting": "max_connections = 200",
  "autocommit=0": "autocommit = 0",
  "init_connect='SET autocommit=0'": "init_connect = 'SET autocommit = 0'",
  "init_connect='START TRANSACTION'": "init_connect = 'START TRANSACTION'",
  "init_connect='SET NAMES latin1'": "init_connect = 'SET NAMES latin1'",
  "completion_type=CHAIN": "completion_type = 'CHAIN'",
  "completion_type=RELEASE": "completion_type = 'RELEASE'",
  "sql_mode=NO_BACKSLASH_ESCAPES": "sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'",
  "sql_mode=ANSI_QUOTES": "sql_mode = 'ANSI_QUOTES'",
  "sql_mode=ANSI": "sql_mode = 'ANSI'",
  "sql_mode=PIPES_AS_CONCAT": "sql_mode = 'PIPES_AS_CONCAT'",
  "sql_mode=PAD_CHAR_TO_FULL_LENGTH": "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
  "sql_mode='' (not strict)": "sql_mode = ''",
  "sql_mode=TRADITIONAL,ONLY_FULL_GROUP_BY": "sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY'",
  "time_zone=+05:30": "time_zone = '+05:30'",
  "sql_select_limit=3": "sql_select_limit = 3",
  "sql_select_limit=0": "sql_select_limit = 0",
  "sql_safe_updates=1": "sql_safe_updates = 1",
  "sql_big_selects=0, max_join_size=1": "max_join_size = 1",
  "sql_auto_is_null=1": "sql_auto_is_null = 1",
  "div_precision_increment=0": "div_precision_increment = 0",
  "max_sort_length=64": "max_sort_length = 64",
  "foreign_key_checks=0": "foreign_key_checks = 0",
  "group_concat_max_len=4": "group_concat_max_len = 4",
  "default_storage_engine=MEMORY": "default_storage_engine = 'MEMORY'",
  "character_set_server=latin1": "character_set_server = 'latin1'",
  "collation_server=utf8mb4_unicode_ci": "collation_server = 'utf8mb4_unicode_ci'",
  "explicit_defaults_for_timestamp=0": "explicit_defaults_for_timestamp = 0",
  "innodb_strict_mode=0": "innodb_strict_mode = 0",
  "sort_buffer_size=32768": "sort_buffer_size = 32768",
  "wait_timeout=1": "wait_timeout = 1",
  "net_read_timeout=1": "net_read_timeout = 1",
  "net_write_timeout=1": "net_write_timeout = 1",
  "lock_wait_timeout=1": "lock_wait_timeout = 1",
  "low_priority_updates=1": "low_priority_updates = 1",
  "big_tables=1": "big_tables = 1",
  ...{
    mariadb: {
      "sql_mode=EMPTY_STRING_IS_NULL": "sql_mode = 'EMPTY_STRING_IS_NULL'",
      "isolation SERIALIZABLE": "tx_isolation = 'SERIALIZABLE'",
      "transactions read only": "tx_read_only = 1",
      "check_constraint_checks=0": "check_constraint_checks = 0",
      "max_statement_time=0.0001": "max_statement_time = 0.0001",
      "idle_transaction_timeout=1": "idle_transaction_timeout = 1",
    },
    mysql: {
      "sql_mode=TIME_TRUNCATE_FRACTIONAL": "sql_mode = 'TIME_TRUNCATE_FRACTIONAL'",
      "isolation SERIALIZABLE": "transaction_isolation = 'SERIALIZABLE'",
      "transactions read only": "transaction_read_only = 1",
      "max_execution_time=1": "max_execution_time = 1",
      "sql_require_primary_key=1": "sql_require_primary_key = 1",
      "sql_generate_invisible_primary_key=1": "sql_generate_invisible_primary_key = 1",
      "default_collation_for_utf8mb4=utf8mb4_general_ci": "default_collation_for_utf8mb4 = 'utf8mb4_general_ci'",
      "internal_tmp_mem_storage_engine=MEMORY": "internal_tmp_mem_storage_engine = 'MEMORY'",
      "binlog_row_image=MINIMAL": "binlog_row_image = 'MINIMAL'",
    },
  }[PRODUCT],
};

type Refusal = [setting: string, name: string, message: RegExp];

/** What is refused at once, and the words of the sentence. */
const OF_PRODUCT: Record<Product, Record<string, Refusal>> = {
  mariadb: {
    "sql_mode=ORACLE": ["sql_mode = 'ORACLE'", "DatabaseRejectedError", /has sql_mode=ORACLE.*Remove ORACLE/],
    "sql_mode=MSSQL": ["sql_mode = 'MSSQL'", "DatabaseRejectedError", /has sql_mode=MSSQL/],
  },
  mysql: {
    "super_read_only=1": ["super_read_only = 1", "DatabaseUnavailableError", /only reads: its server has read_only=ON/],
    "offline_mode=1": ["offline_mode = 1", "DatabaseUnavailableError", /unavailable: .*offline mode/],
    "require_secure_transport=1": ["require_secure_transport = 1", "DatabaseRejectedError", /insecure transport.*ssl=/],
  },
};
const REFUSED: Record<string, Refusal> = {
  ...OF_PRODUCT[PRODUCT],
  "read_only=1": ["read_only = 1", "DatabaseUnavailableError", /only reads: its server has read_only=ON/],
  "max_prepared_stmt_count=10": [
    "max_prepared_stmt_count = 10",
    "DatabaseRejectedError",
    /has max_prepared_stmt_count=10.*Raise max_prepared_stmt_count/,
  ],
};

const rows: string[] = [];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-settings-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  const table = `| server | result |\n| --- | --- |\n${rows.join("\n")}\n`;
  console.log(table);
  await mkdir("test-results", { recursive: true });
  await writeFile("test-results/faults-server-settings.md", table);
});

describe("a server with", () => {
  let server: TestServer;
  let admin: Connection;
  let migrated: string;
  beforeAll(async () => {
    server = await startServer();
    admin = await createConnection({ uri: server.url, supportBigNumbers: true });
    // `init_connect` is for users without SUPER.
    await admin.query("CREATE USER plain@'%' IDENTIFIED BY 'plain'");
    await admin.query("GRANT ALL ON `cofi\\_%`.* TO plain@'%'");
    migrated = asPlain(await server.createDatabase());
    await migrateAt(migrated);
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  async function under(setting: string, work: () => Promise<void>): Promise<void> {
    const [name = ""] = setting.split(" ");
    const [before] = await admin.query<RowDataPacket[]>(`SELECT @@GLOBAL.${name} AS value`);
    try {
      await admin.query(`SET GLOBAL ${setting}`);
      await work();
    } finally {
      const value: unknown = before[0]?.["value"];
      // The largest of numbers comes as text, and MySQL takes no text for a number.
      const number = typeof value === "string" && /^\d+$/.test(value) ? BigInt(value) : value;
      await admin.query(`SET GLOBAL ${name} = ?`, [number]);
    }
  }

  test.each(Object.entries(SETTINGS))("%s stores and reads as others do", async (name, setting) => {
    const fresh = IS_LONG ? asPlain(await server.createDatabase()) : null;
    await under(setting, async () => {
      if (fresh !== null) await migrateAt(fresh);
      const url = fresh ?? migrated;
      await expectRight(name, url, server.url + url.slice(url.lastIndexOf("/") + 1));
    });
  });

  // MySQL makes itself a certificate; MariaDB does so from 11.4 on.
  if (PRODUCT === "mysql")
    test("require_secure_transport=1 takes a connection with TLS whose certificate is trusted", async () => {
      const withTls = (options: object): string => `${migrated}?ssl=${encodeURIComponent(JSON.stringify(options))}`;
      await under("require_secure_transport = 1", async () => {
        await (await openDatabase(withTls({ rejectUnauthorized: false }))).close();
        await expect(openDatabase(withTls({}))).rejects.toThrow(/self-signed certificate.*NODE_EXTRA_CA_CERTS/);
      });
    });

  test.each(Object.entries(REFUSED))("%s is refused with a sentence", async (setting, [statement, name, message]) => {
    await under(statement, async () => {
      const error = await openDatabase(migrated).then(
        () => null,
        (refusal: Error) => refusal,
      );
      rows.push(`| ${setting} | ${error === null ? "taken" : `refused: ${error.message}`} |`);
      expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
      expect(error?.message).not.toContain("plain:plain");
    });
  });
});

/** What a server is started with. */
const FLAGS: Record<string, string[]> = {
  "lower_case_table_names=1": ["--lower-case-table-names=1"],
  ...{
    mariadb: {
      "skip-character-set-client-handshake, latin1": [
        "--skip-character-set-client-handshake",
        "--character-set-server=latin1",
      ],
    },
    mysql: { "gtid_mode=ON": ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"] },
  }[PRODUCT],
};

test.each(Object.entries(FLAGS))("a server started with %s", { timeout: 120_000 }, async (name, flags) => {
  const server = await startServer({ flags });
  try {
    const url = await server.createDatabase();
    await migrateAt(url);
    await expectRight(name, url, url);
  } finally {
    await server.stop();
  }
});

test("a server whose tables have rows that hold no index of ours", async () => {
  const server = await startServer();
  try {
    const admin = await createConnection({ uri: server.url });
    await admin.query("SET GLOBAL innodb_default_row_format = 'compact'");
    await admin.end();
    const message = /kysely_migration: .*Set innodb_default_row_format of the server to dynamic/;
    await expect(migrateAt(await server.createDatabase())).rejects.toThrow(message);
  } finally {
    await server.stop();
  }
});

test("a server whose log of statements cannot hold ours", { timeout: 120_000 }, async () => {
  const server = await startServer({ flags: ["--log-bin", "--server-id=1", "--binlog-format=STATEMENT"] });
  try {
    const refusal = openDatabase(await server.createDatabase());
    await expect(refusal).rejects.toThrow(/binlog_format=STATEMENT.*ROW or MIXED/);
    rows.push("| binlog_format=STATEMENT | refused |");
  } finally {
    await server.stop();
  }
});

function asPlain(url: string): string {
  return url.replace(/\/\/[^@]*@/, "//plain:plain@");
}

async function migrateAt(url: string): Promise<void> {
  const database = await openDatabase(url);
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

async function expectRight(name: string, url: string, adminUrl: string): Promise<void> {
  const figures = await measure(url, adminUrl, folder);
  const said = Object.entries(figures).map(([figure, value]) => `${value} ${figure}`);
  rows.push(`| ${name} | ${said.join(", ")} |`);
  expect(figures).toEqual(RIGHT);
}
