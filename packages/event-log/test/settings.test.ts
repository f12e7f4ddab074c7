/** Where the database is, and what is said of a setting that is wrong. */
import { describe, expect, test } from "vitest";
import { databaseUrl } from "@cofi/event-log/settings";

describe("the database url", () => {
  test("is an SQLite file in the data folder unless something else is set", () => {
    expect(databaseUrl({}, "/var/lib/cofi")).toBe("sqlite:/var/lib/cofi/cofi.sqlite");
    expect(databaseUrl({ COFI_DATABASE_URL: "sqlite:/a/b.db" }, "/x")).toBe("sqlite:/a/b.db");
    const mysql = { MYSQL_HOST: "db", MYSQL_USER: "cofi", MYSQL_PASSWORD: "p@ss/word", MYSQL_DATABASE: "cofi" };
    expect(databaseUrl(mysql, "/x")).toBe("mysql://cofi:p%40ss%2Fword@db:3306/cofi");
    expect(databaseUrl({ ...mysql, MYSQL_HOST: "::1" }, "/x")).toBe("mysql://cofi:p%40ss%2Fword@[::1]:3306/cofi");
    expect(databaseUrl({ COFI_DATABASE_URL: "mariadb://u:p@h/d" }, "/x")).toBe("mysql://u:p@h/d");
    expect(databaseUrl({ COFI_DATABASE_URL: "MariaDB://u:p@h/d" }, "/x")).toBe("mysql://u:p@h/d");
    expect(databaseUrl({ COFI_DATABASE_URL: "SQLite:/a/b.db" }, "/x")).toBe("sqlite:/a/b.db");
    const encrypted = `mysql://u:p@h/d?ssl=${encodeURIComponent('{"rejectUnauthorized":true}')}`;
    expect(databaseUrl({ COFI_DATABASE_URL: encrypted }, "/x")).toBe(encrypted);
  });

  test.each([
    [{ COFI_DATABASE_URL: "postgres://h/d" }, /COFI_DATABASE_URL.*mysql/],
    [{ COFI_DATABASE_URL: "cofi.sqlite" }, /COFI_DATABASE_URL is not a URL/],
    [{ COFI_DATABASE_URL: "mysql://h" }, /names no database/],
    [{ COFI_DATABASE_URL: "sqlite:" }, /names no file/],
    [{ MYSQL_HOST: "db" }, /MYSQL_USER is not set/],
    [{ MYSQL_HOST: "db", MYSQL_USER: "u", MYSQL_DATABASE: "d", MYSQL_PORT: "x" }, /MYSQL_PORT/],
    [{ MYSQL_HOST: "db:3306", MYSQL_USER: "u", MYSQL_DATABASE: "d" }, /MYSQL_HOST is not .*MYSQL_PORT/],
    [{ MYSQL_HOST: "mysql://db", MYSQL_USER: "u", MYSQL_DATABASE: "d" }, /MYSQL_HOST is not /],
    [{ MYSQL_HOST: "my db", MYSQL_USER: "u", MYSQL_DATABASE: "d" }, /MYSQL_HOST is not /],
    [{ COFI_DATABASE_URL: "mysql://u:50%off@h/d" }, /COFI_DATABASE_URL is not a URL.*percent-encoded/],
    [{ COFI_DATABASE_URL: "mysql:///d" }, /names no host/],
    [{ COFI_DATABASE_URL: "mysql://u:p@h/d/e" }, /names no database/],
    [{ COFI_DATABASE_URL: "mysql://u:p@h/d?rowsAsArray=true" }, /COFI_DATABASE_URL has the option rowsAsArray/],
    [{ COFI_DATABASE_URL: "mysql://u:p@h/d?ssl=on" }, /COFI_DATABASE_URL has the option ssl.*JSON/],
  ])("names the variable that is wrong: %j", (env, message) => {
    expect(() => databaseUrl(env, "/x")).toThrow(message);
  });
});
