/** Debian's Chromium for tests: headless, nothing in the background, a profile of its own. */
import { chromium, type Browser } from "playwright-core";
import { programPath } from "./system.mjs";

/** Chromium's sandbox needs a user other than root, and user namespaces that containers often lack. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** How long a page may take for one step: a bound for failures, so generous, as the machine may have other work. */
const PATIENCE_MS = 60_000;

/**
 * Starts a browser with an empty profile; `close()` ends it.
 * @param env on top of this process's environment
 * @throws Error with the command to type when there is no Chromium
 */
export async function launchBrowser(env: Record<string, string> = {}): Promise<Browser> {
  const executablePath = programPath("chromium");
  const browser = await chromium.launch({
    executablePath,
    args: FLAGS,
    env: { ...process.env, ...env },
    timeout: PATIENCE_MS,
  });
  browser.on("context", (context) => {
    context.setDefaultTimeout(PATIENCE_MS);
    context.setDefaultNavigationTimeout(PATIENCE_MS);
  });
  return browser;
}
