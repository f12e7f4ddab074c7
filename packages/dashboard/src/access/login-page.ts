/** The form that asks for the access token. It looks like the page, whose style sheet it uses. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the form needs of the built page, beside its own script; none of it holds data, so it is served without a token. */
const LINKED = /<link rel="(?:stylesheet|icon)"[^>]* href="\.\/([^"]+)"[^>]*>/g;
const SCRIPTS = ["theme.js", "login.js"];

export interface LoginPage {
  /** Paths that a browser may load before it is logged in. */
  readonly assets: ReadonlySet<string>;
  /** @param next path of the page to show after the log-in @param isWrong the given token was wrong */
  html(next: string, isWrong: boolean): string;
}

/** @param webRoot folder of the built page; without one the form has no style */
export function loginPage(webRoot: string): LoginPage {
  const index = readIndex(webRoot);
  const links = [...index.matchAll(LINKED)];
  const scripts = SCRIPTS.map((name) => `<script src="/${name}"${name === "login.js" ? " defer" : ""}></script>`);
  const head = [...links.map(([link]) => link.replace('"./', '"/')), ...(index === "" ? [] : scripts)].join("\n");
  return {
    assets: new Set([...links.map(([, path]) => `/${path}`), ...SCRIPTS.map((name) => `/${name}`)]),
    html: (next, isWrong) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Cofi: log in</title>
${head}
<div id="app">
<main>
<form class="notice" method="post" action="${loginPath(next)}">
<h1>Log in to Cofi</h1>
<p>This dashboard needs the access token that was set as COFI_ACCESS_TOKEN.</p>
<label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
${isWrong ? '<p role="alert">That is not the access token.</p>' : ""}
<button class="button">Log in</button>
</form>
</main>
</div>
</html>
`,
  };
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

/** The path to show after the log-in: `given` if it is one of this server, else the first page. */
export function nextPath(given: unknown): string {
  const base = "http://here.invalid";
  if (typeof given !== "string" || given.length > LONGEST_NEXT || !URL.canParse(given, base)) return "/";
  const { origin, pathname, search } = new URL(given, base);
  // A browser would take a path that begins with two slashes for the name of a server.
  return origin === base && !pathname.startsWith("//") ? `${pathname}${search}` : "/";
}
