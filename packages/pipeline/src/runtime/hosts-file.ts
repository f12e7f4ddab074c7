/**
 * The file that says which hosts a stage has, in place of the variables with their URLs: `COFI_HOSTS_FILE`. It is read again
 * whenever it has changed, so hosts join and leave while a batch runs.
 *
 *     { "stt": [{ "url": "http://10.0.0.5:8104", "slots": 4 }, "http://10.0.0.6:8104"] }
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { SettingsError } from "@cofi/event-log/environment";
import { STAGES, type StageName } from "@cofi/event-log/stages";
import { baseUrl } from "../hosts/base-urls.js";

export interface ListedHost {
  url: string;
  /** Files in work at once; null: as many as on any host. */
  slots: number | null;
}

/** How often it is looked whether the file has changed, in ms. */
const LOOK_EVERY_MS = 1_000;

const NAMES = STAGES.filter(({ name, kind }) => kind === "engine" || name === "file_distribution").map(
  ({ name }) => name,
);
const LISTED = z.union([
  z.string().transform((url) => ({ url, slots: null })),
  z.strictObject({
    url: z.string(),
    slots: z
      .int()
      .min(1)
      .max(1_024)
      .nullish()
      .transform((slots) => slots ?? null),
  }),
]);
const FILE = z.partialRecord(z.enum(NAMES), z.array(LISTED));

type Hosts = ReadonlyMap<StageName, readonly ListedHost[]>;

export class HostsFile {
  readonly #path: string;
  /** In which the hosts are named. */
  #text: string;
  /** Also those of stages that it does not name any more: nobody has taken their hosts away. */
  #hosts: Hosts;
  #named: Hosts;
  #changes = 0;
  #reading: Promise<void> | null = null;

  /** @throws SettingsError when the file cannot be used */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#text = readFileSync(path, "utf8");
    } catch (error) {
      throw this.#unreadable(error);
    }
    this.#named = this.#parse(this.#text);
    this.#hosts = this.#named;
  }

  /** The hosts of a stage, as the file named them last; null for a stage that it has never named. */
  of(stage: StageName): readonly ListedHost[] | null {
    return hostsOf(stage, this.#hosts);
  }

  /** Whether the file named the stage when it was read last. */
  names(stage: StageName): boolean {
    return hostsOf(stage, this.#named) !== null;
  }

  /** How often other hosts were found in the file: whoever keeps it knows later whether they still have the latest. */
  get changes(): number {
    return this.#changes;
  }

  /** Reads the file again. @throws SettingsError when it cannot be used: what was read before stays in force */
  refresh(): Promise<void> {
    // One after the other: what was read later is newer.
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      throw this.#unreadable(error);
    }
    if (text === this.#text) return;
    this.#named = this.#parse(text);
    this.#hosts = new Map([...this.#hosts, ...this.#named]);
    this.#text = text;
    this.#changes += 1;
  }

  /**
   * Reads the file from time to time; calls `changed` when the hosts may be others than they were at `known` changes, whoever has
   * read them, and `failed`, with a sentence or two, when the file cannot be used: what was read before stays in force then.
   * @returns what ends it
   */
  watch(known: number, changed: () => void, failed: (message: string) => void): () => void {
    let heardOf = known;
    let trouble = "";
    let isOver = false;
    const look = async (): Promise<void> => {
      const message = await this.refresh().then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
      if (isOver) return;
      if (message !== "" && message !== trouble) failed(`${message} The hosts that were read before stay in use.`);
      trouble = message;
      if (heardOf === this.#changes) return;
      heardOf = this.#changes;
      changed();
    };
    const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }

  #unreadable(error: unknown): SettingsError {
    // What stands in the file may be a password.
    const message = (error as Error).message.replace(/, (?:\.{3})?".* is not valid JSON$/s, "");
    return new SettingsError(`The file of COFI_HOSTS_FILE, ${this.#path}, cannot be read: ${message}.`);
  }

  #parse(text: string): Hosts {
    let content: unknown;
    try {
      content = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (error) {
      throw this.#unreadable(error);
    }
    const { data, error } = FILE.safeParse(content);
    if (error) {
      const [issue] = error.issues;
      throw new SettingsError(
        `The file of COFI_HOSTS_FILE, ${this.#path}, is not as expected at ${issue?.path.join(".") || "its top"}: ${issue?.message}. ` +
          'It names stages with their hosts, such as {"stt": [{"url": "http://10.0.0.5:8104", "slots": 4}]}; ' +
          `the stages are ${NAMES.join(", ")}.`,
      );
    }
    return new Map(
      Object.entries(data).map(([stage, listed]) => {
        const where = `The file of COFI_HOSTS_FILE, ${this.#path}, for ${stage},`;
        const hosts = new Map(listed.map(({ url, slots }) => [baseUrl(where, url), slots]));
        return [stage as StageName, [...hosts].map(([url, slots]) => ({ url, slots }))];
      }),
    );
  }
}

/** Files are sent to the hosts that process them first, unless other receivers are named. */
function hostsOf(stage: StageName, named: Hosts): readonly ListedHost[] | null {
  return named.get(stage) ?? (stage === "file_distribution" ? (named.get("denoise") ?? null) : null);
}
