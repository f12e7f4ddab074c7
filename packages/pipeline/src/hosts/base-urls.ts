/** Addresses of hosts in a setting. */
import { SettingsError } from "@cofi/event-log/environment";

/**
 * The base URLs in a variable, comma separated, without a slash at the end; null when it is not set.
 * @throws SettingsError for text that is no http:// or https:// URL, and for a URL that holds a user, a password, a query or a fragment
 */
export function baseUrls(variable: string, env: NodeJS.ProcessEnv): string[] | null {
  const text = env[variable]?.trim();
  if (!text) return null;
  return text.split(",").map((part) => baseUrl(variable, part, text));
}

/**
 * One base URL, without a slash at the end. `where` it stands, and the whole `text` there, in which a comma may be part of a password.
 * @throws SettingsError as {@link baseUrls}
 */
export function baseUrl(where: string, part: string, text = part): string {
  const url = part.trim();
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new SettingsError(`${where} holds ${shown(url, text)}; expected http:// or https:// URLs, comma separated.`);
  if (new URL(url).username || new URL(url).password)
    throw new SettingsError(`${where} holds a URL with a user or password: it would stand in the log. Leave it out.`);
  if (/[?#]/.test(url))
    throw new SettingsError(
      `${where} holds a URL with ? or #: paths are put at its end, and it would stand in the log. Leave it out.`,
    );
  return url.replace(/\/+$/, "");
}

/** A comma in a password parts it from its @. */
function shown(url: string, text: string): string {
  return /[@?#]/.test(text)
    ? "text that is no URL, and is not shown because it may hold a password"
    : JSON.stringify(url);
}
