/** The sound of calls: ranges of its bytes, tickets, the access log, other recordings, and copies that go with their batch. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeListeningCopies } from "@cofi/dashboard/listening";
import type { SoundPlaces } from "@cofi/dashboard/sound-places";
import type { SoundAnswer, SoundPeaks } from "@cofi/evidence/shapes";
import { ROLES } from "@cofi/access/roles";
import { RAW_AUDIO_DEFAULTS } from "@cofi/recordings/raw-audio";
import { DIALECTS } from "../../../test/support/databases.js";
import { storeTrades } from "../../../test/support/trades.js";
import { guarded, post, type Guarded } from "./access-support.js";
import { get, problem } from "./dashboard-support.js";

const run = promisify(execFile);
const SECRETS = { word: "Zebedee", phone: "919812345678", client: "MN0042" };
const NAME = `20260105-101500_+${SECRETS.phone}_C1.wav`;
const RATE = 16_000;
/** A second of a tone, a second of silence, a second of a tone. */
const TONES = "sine=440:d=3:r=8000,volume='if(between(t,1,2),0,1)':eval=frame";

describe.each(DIALECTS)("sound on %s", (dialect) => {
  let it: Guarded;
  let root: string;
  let batchId: number;
  let path: string;
  let places: SoundPlaces;
  let engine: Server | null = null;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "cofi-sound-"));
    places = {
      folder: join(root, "listening"),
      files: { place: "folder:own", path: join(root, "files") },
      engineToken: "a token of sixteen",
      raw: RAW_AUDIO_DEFAULTS,
    };
    it = await guarded(dialect, {}, "/nowhere", places);
    await mkdir(join(root, "batch"));
    await run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", TONES, join(root, "batch", NAME)]);
    batchId = (await it.store.createBatch({ name: "night", folder: join(root, "batch") })).id;
    await storeTrades(it.fresh, batchId, SECRETS);
    path = `${it.url}/api/batch/${batchId}/calls/C1`;
  });
  afterEach(async () => {
    await it.close();
    engine?.close();
    engine = null;
    await rm(root, { recursive: true, force: true });
  });

  const recording = (): Promise<Buffer> => readFile(join(root, "batch", NAME));
  const processed = async (bytes: Buffer): Promise<void> => {
    const response = JSON.stringify({ bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
    const row = { batchId, stage: "file_distribution", eventType: "file_complete", fileName: NAME };
    await it.fresh.insertForeign({ ...row, status: "success", response });
  };
  const play = async (role: (typeof ROLES)[number] = "reviewer", reason = "a case"): Promise<SoundAnswer> => {
    const response = await fetch(`${path}/play`, post({ reason }, it.as(role)));
    expect(response.status).toBe(200);
    return (await response.json()) as SoundAnswer;
  };
  const hear = (ticket: string, range?: string, query = ""): Promise<Response> =>
    fetch(`${path}/sound?ticket=${ticket}${query}`, {
      headers: { ...it.as("reviewer"), "accept-encoding": "gzip, br", ...(range && { range }) },
    });

  test("any range of a copy of constant rate, as it is, also while it is being made", async () => {
    const { ticket, sounds, source } = await play();
    expect([sounds, source]).toEqual([["original"], "folder"]);
    const whole = await hear(ticket);
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-encoding")).toBeNull();
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    expect(whole.headers.get("cache-control")).toBe("no-store");
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect(bytes.length).toBe(Number(whole.headers.get("content-length")));
    expect(bytes.toString("latin1", 0, 4)).toBe("RIFF");
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
    const seconds = (bytes.length - 44) / 2 / RATE;
    expect(seconds).toBeGreaterThanOrEqual(3);
    expect(seconds).toBeLessThan(3.2);
    const loud = (from: number, to: number): number => {
      let most = 0;
      for (let at = Math.round(from * RATE); at < to * RATE; at++)
        most = Math.max(most, bytes.readInt16LE(44 + 2 * at));
      return most;
    };
    expect([loud(0.1, 0.9), loud(1.1, 1.9), loud(2.1, 2.9)].map((level) => level > 1_000)).toEqual([true, false, true]);
    for (const [range, start, end] of [
      ["bytes=0-", 0, bytes.length - 1],
      ["bytes=100-199", 100, 199],
      ["bytes=-50", bytes.length - 50, bytes.length - 1],
      [`bytes=40000-${bytes.length + 5}`, 40_000, bytes.length - 1],
    ] as const) {
      const part = await hear(ticket, range);
      expect([range, part.status, part.headers.get("content-range")]).toEqual([
        range,
        206,
        `bytes ${start}-${end}/${bytes.length}`,
      ]);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    const beyond = await hear(ticket, `bytes=${bytes.length}-`);
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, `bytes */${bytes.length}`]);
    const headers = it.as("reviewer");
    const { body: peaks } = await get<SoundPeaks>(`${path}/peaks?ticket=${ticket}`, { headers });
    expect(peaks.seconds).toBeCloseTo(seconds, 2);
    expect(JSON.stringify(peaks).length).toBeLessThan(1_500);
    const at = (second: number): number => peaks.peaks[Math.floor((second / peaks.seconds) * peaks.peaks.length)] ?? 0;
    expect([at(0.5), at(1.5), at(2.5)].map((peak) => peak > 10)).toEqual([true, false, true]);
  });

  test("nobody hears a byte without the permission, a reason, an entry of the access log and a ticket of their own", async () => {
    const before = (await it.log()).length;
    for (const role of ROLES) {
      const mayHear = role !== "viewer" && role !== "operator";
      expect((await fetch(`${path}/play`, post({}, it.as(role)))).status).toBe(mayHear ? 400 : 403);
      const headers = it.as(role);
      expect((await problem(`${path}/sound?ticket=${Date.now() + 1e6}.${"a".repeat(43)}`, { headers })).status).toBe(
        403,
      );
      expect((await problem(`${path}/sound`, { headers })).status).toBe(mayHear ? 400 : 403);
    }
    expect(await it.log()).toHaveLength(before);
    const { ticket } = await play("reviewer", "a case");
    expect((await it.log()).slice(before)).toMatchObject([
      { action: "play", who: "the reviewer", what: `sound of call C1 of batch ${batchId}`, why: "a case", batchId },
    ]);
    for (const role of ROLES.filter((one) => one !== "reviewer"))
      for (const what of ["sound", "peaks"]) {
        const refused = await fetch(`${path}/${what}?ticket=${ticket}`, { headers: it.as(role) });
        expect([role, what, refused.status]).toEqual([role, what, 403]);
      }
    const other = await fetch(`${path.replace("C1", "C2")}/sound?ticket=${ticket}`, { headers: it.as("reviewer") });
    expect(other.status).toBe(403);
    const [until = "", seal = ""] = ticket.split(".");
    expect((await hear(`${Number(until) + 1}.${seal}`)).status).toBe(403);
    expect((await hear(ticket)).status).toBe(200);
  });

  test("says whether it is the recording that was processed", async () => {
    expect((await play()).same).toBeNull();
    await processed(await recording());
    expect((await play()).same).toBe(true);
    await writeFile(join(root, "batch", NAME), Buffer.concat([await recording(), Buffer.alloc(2)]));
    expect((await play()).same).toBe(false);
  });

  test("a recording that is not in the folder any more comes from where engines keep it, denoised too", async () => {
    const bytes = await recording();
    await processed(bytes);
    await rm(join(root, "batch"), { recursive: true });
    expect((await problem(`${path}/play`, post({ reason: "a case" }, it.as("reviewer")))).status).toBe(404);
    const asked: string[] = [];
    engine = createServer((request, response) => {
      asked.push(`${request.headers.authorization} ${decodeURIComponent(request.url ?? "")}`);
      response.writeHead(200).end(bytes);
    });
    engine.listen(0, "127.0.0.1");
    await once(engine, "listening");
    const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
    await it.fresh.database.kysely
      .insertInto("recordingPlace")
      .values({ batchId, place: `${url}/`, description: "gpu-1" })
      .execute();
    const given = await play();
    expect(given).toMatchObject({ same: true, source: "engine", sounds: ["original", "denoised"] });
    expect(asked).toContain(`Bearer a token of sixteen /files/${batchId}/${NAME}`);
    expect((await hear(given.ticket, undefined, "&sound=denoised")).status).toBe(200);
    expect(asked).toContain(`Bearer a token of sixteen /files/${batchId}/${NAME}?variant=denoised`);
    // Of engines that this machine starts, as they lie there.
    const stored = join(root, "files", String(batchId), createHash("sha256").update(NAME).digest("hex"));
    await mkdir(stored, { recursive: true });
    await writeFile(join(stored, "denoised.wav"), bytes);
    await it.fresh.database.kysely
      .updateTable("recordingPlace")
      .set({ place: "folder:own" })
      .where("batchId", "=", batchId)
      .execute();
    expect((await play()).sounds).toEqual(["denoised"]);
  });

  test("what is no sound says so without naming the file", async () => {
    await writeFile(join(root, "batch", NAME), "no sound at all");
    const { ticket } = await play();
    const refused = await problem(`${path}/sound?ticket=${ticket}`, { headers: it.as("reviewer") });
    expect(refused).toMatchObject({ status: 404, detail: "No sound can be decoded from this recording." });
    // A corrected file is heard.
    await run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", TONES, join(root, "batch", NAME)]);
    expect((await hear(ticket)).status).toBe(200);
  });

  test("copies are private, are made once, and go with their batch", async () => {
    const { ticket } = await play();
    await Promise.all([hear(ticket), hear(ticket)].map(async (one) => (await one).arrayBuffer()));
    const own = join(places.folder, await it.store.databaseId());
    const folder = join(own, String(batchId));
    const files = await readdir(folder);
    expect(files.map((name) => name.replace(/^[0-9a-f]{64}/, "")).toSorted()).toEqual([".wav", ".wav.json"]);
    await mkdir(join(own, "99"));
    await copyFile(join(folder, files[0]!), join(own, "99", "left"));
    expect(await removeListeningCopies(places.folder, it.store)).toEqual([]);
    await it.fresh.database.kysely
      .updateTable("batchStatus")
      .set({ payloadsRemovedAt: "2026-01-01 00:00:00.000" })
      .where("id", "=", batchId)
      .execute();
    expect(await removeListeningCopies(places.folder, it.store)).toEqual([batchId]);
    expect(await readdir(own)).toEqual(["99"]);
  });
});
