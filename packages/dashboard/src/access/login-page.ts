/** The page on which users log in, and the one that says that they are logged out. They look like the rest, whose style sheet they use. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the pages need of the built page, beside their own scripts; none of it holds data, so it is served without a log-in. */
const LINKED = /<link rel="(?:stylesheet|icon)"[^>]* href="\.\/([^"]+)"[^>]*>/g;
const SCRIPTS = ["theme.js", "login.js"];

/** How users can log in here. */
export interface Ways {
  password: boolean;
  token: boolean;
  openId: boolean;
}

export interface LoginPage {
  /** Paths that a browser may load before it is logged in. */
  readonly assets: ReadonlySet<string>;
  /** @param next path of the page to show after the log-in @param problem what was wrong with the last try */
  html(next: string, ways: Ways, problem?: string | null): string;
  /** @param providerUrl where the provider ends its own session */
  loggedOut(providerUrl: string): string;
}

/** @param webRoot folder of the built page; without one the form has no style */
export function loginPage(webRoot: string): LoginPage {
  const index = readIndex(webRoot);
  const links = [...index.matchAll(LINKED)];
  const scripts = SCRIPTS.map((name) => `<script src="/${name}"${name === "login.js" ? " defer" : ""}></script>`);
  const head = [...links.map(([link]) => link.replace('"./', '"/')), ...(index === "" ? [] : scripts)].join("\n");
  const page = (title: string, more: string, body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Cofi: ${title}</title>
${more}${head}
<div id="app">
<main>
<div class="notice log-in">
${body}
</div>
</main>
</div>
</html>
`;
  return {
    assets: new Set([...links.map(([, path]) => `/${path}`), ...SCRIPTS.map((name) => `/${name}`)]),
    html(next, ways, problem = null) {
      const alert = problem === null ? "" : `<p role="alert">${escaped(problem)}</p>`;
      const parts = [
        ...(ways.openId ? [openIdLink(next)] : []),
        ...(ways.password ? [form(next, PASSWORD)] : []),
        ...(ways.token ? [form(next, TOKEN)] : []),
      ];
      const none = "<p>Nobody can log in here yet. Add a user on the server: <code>npx cofi user add</code></p>";
      return page(
        "log in",
        "",
        `<h1>Log in to Cofi</h1>\n${alert}\n${parts.length === 0 ? none : parts.join("\n<hr>\n")}`,
      );
    },
    loggedOut: (providerUrl) =>
      page(
        "logged out",
        `<meta http-equiv="refresh" content="0; url=${escaped(providerUrl)}">\n`,
        `<h1>You are logged out of Cofi</h1>\n<p><a href="${escaped(providerUrl)}">Log out at the provider too</a></p>`,
      ),
  };
}

const PASSWORD = `<label for="user">User</label>
<input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="100" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256" required>`;

const TOKEN = `<p>With the access token that was set as COFI_ACCESS_TOKEN you see the progress of batches, and no contents.</p>
<label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="off" required>`;

function form(next: string, fields: string): string {
  return `<form method="post" action="${escaped(loginPath(next))}">\n${fields}\n<button class="button">Log in</button>\n</form>`;
}

function openIdLink(next: string): string {
  const path = `/login/openid?${new URLSearchParams({ next }).toString()}`;
  return `<p><a class="button" data-openid href="${escaped(path)}">Log in with your organisation</a></p>`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function readIndex(webRoot: string): string {
  try {
    return readFileSync(join(webRoot, "index.html"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

export const LOGIN = "/login";

/** The path of the form that leads to `next`. */
export function loginPath(next: string): string {
  return next === "/" ? LOGIN : `${LOGIN}?${new URLSearchParams({ next }).toString()}`;
}

const LONGEST_NEXT = 4_000;

/** The path to show after the log-in, with what stands after `#`: `given` if it is one of this server, else the first page. */
export function nextPath(given: unknown): string {
  const base = "http://here.invalid";
  if (typeof given !== "string" || given.length > LONGEST_NEXT || !URL.canParse(given, base)) return "/";
  const { origin, pathname, search, hash } = new URL(given, base);
  // A browser would take a path that begins with two slashes for the name of a server.
  return origin === base && !pathname.startsWith("//") ? `${pathname}${search}${hash}` : "/";
}
