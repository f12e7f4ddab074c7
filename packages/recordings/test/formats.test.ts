/** Everything that ffmpeg can write is read, whole and without a word, whatever the file is called where it does not matter. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FORMAT_EXTENSIONS, READ_FORMATS } from "@cofi/recordings/formats";
import { RAW_EXTENSIONS } from "@cofi/recordings/raw-audio";
import { Folder, heard, level, likeness, refusalOf, SECONDS, type Heard } from "./support.js";

let folder: Folder;
let call: Heard;
beforeAll(async () => {
  folder = await Folder.create();
  call = await heard(await folder.encoded("call.wav"));
});
afterAll(() => folder.remove());

const LOW = ["-ar", "8000"];
const WIDE = ["-ar", "16000"];
const FULL = ["-ar", "32000"];
const STUDIO = ["-ar", "48000"];
const ODD = ["-ar", "22050"];

/** Formats that ffmpeg knows by their content. */
const KNOWN: readonly [name: string, codec: string, options: string[]][] = [
  ["s16.wav", "pcm_s16le", []],
  ["ulaw.wav", "pcm_mulaw", ["-c:a", "pcm_mulaw"]],
  ["alaw.wav", "pcm_alaw", ["-c:a", "pcm_alaw"]],
  ["u8.wav", "pcm_u8", ["-c:a", "pcm_u8"]],
  ["s24.wav", "pcm_s24le", ["-c:a", "pcm_s24le"]],
  ["f32.wav", "pcm_f32le", ["-c:a", "pcm_f32le"]],
  ["ms.wav", "adpcm_ms", ["-c:a", "adpcm_ms"]],
  ["ima.wav", "adpcm_ima_wav", ["-c:a", "adpcm_ima_wav"]],
  ["g722.wav", "adpcm_g722", ["-c:a", "g722", ...WIDE]],
  ["g726.wav", "adpcm_g726", ["-c:a", "g726"]],
  ["g7231.wav", "g723_1", ["-c:a", "g723_1", "-b:a", "6.3k"]],
  ["gsm.wav", "gsm_ms", ["-c:a", "libgsm_ms"]],
  ["mp3.wav", "mp3", ["-c:a", "libmp3lame"]],
  ["wma.wav", "wmav2", ["-c:a", "wmav2", ...WIDE]],
  ["yamaha.wav", "adpcm_yamaha", ["-c:a", "adpcm_yamaha"]],
  ["rf64.wav", "pcm_s16le", ["-rf64", "always"]],
  ["a.w64", "pcm_s16le", []],
  ["a.aiff", "pcm_s16be", []],
  ["a.aifc", "pcm_mulaw", ["-c:a", "pcm_mulaw", "-f", "aiff"]],
  ["a.caf", "pcm_s16be", []],
  ["alac.caf", "alac", ["-c:a", "alac"]],
  ["opus.caf", "opus", ["-c:a", "libopus"]],
  ["a.au", "pcm_mulaw", ["-c:a", "pcm_mulaw"]],
  ["a.voc", "pcm_s16le", []],
  ["a.sox", "pcm_s32le", ["-c:a", "pcm_s32le"]],
  ["a.ircam", "pcm_s16le", ["-f", "ircam"]],
  ["a.flac", "flac", []],
  ["a.tta", "tta", []],
  ["a.wv", "wavpack", []],
  ["a.opus", "opus", []],
  ["a.ogg", "vorbis", ["-c:a", "libvorbis"]],
  ["a.spx", "speex", ["-c:a", "libspeex"]],
  ["flac.ogg", "flac", ["-c:a", "flac"]],
  ["a.mp3", "mp3", []],
  ["vbr.mp3", "mp3", ["-q:a", "5", ...WIDE]],
  ["old.mp3", "mp3", ["-write_xing", "0"]],
  ["a.mp2", "mp2", WIDE],
  ["a.aac", "aac", []],
  ["a.latm", "aac_latm", ["-c:a", "aac", "-f", "latm"]],
  ["a.m4a", "aac", []],
  ["fast.m4a", "aac", ["-movflags", "faststart"]],
  ["parts.mp4", "aac", ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"]],
  ["alac.m4a", "alac", ["-c:a", "alac"]],
  ["mp3.mp4", "mp3", ["-c:a", "libmp3lame", ...FULL]],
  ["opus.mp4", "opus", ["-c:a", "libopus"]],
  ["a.mov", "pcm_mulaw", ["-c:a", "pcm_mulaw"]],
  ["a.3gp", "aac", ["-c:a", "aac"]],
  ["a.f4v", "aac", []],
  ["a.ismv", "aac", ["-f", "ismv"]],
  ["a.mka", "opus", ["-c:a", "libopus"]],
  ["a.mkv", "pcm_s16le", ["-c:a", "pcm_s16le"]],
  ["live.mkv", "opus", ["-c:a", "libopus", "-live", "1"]],
  ["a.webm", "opus", []],
  ["a.ac3", "ac3", FULL],
  ["a.eac3", "eac3", FULL],
  ["a.dts", "dts", ["-c:a", "dca", "-strict", "-2", ...FULL]],
  ["a.thd", "truehd", ["-c:a", "truehd", "-strict", "-2", ...STUDIO]],
  ["a.mlp", "mlp", ["-c:a", "mlp", "-strict", "-2", ...STUDIO]],
  ["a.spdif", "ac3", ["-c:a", "ac3", "-f", "spdif", ...STUDIO]],
  ["a.wma", "wmav2", WIDE],
  ["v1.wma", "wmav1", ["-c:a", "wmav1", ...WIDE]],
  ["pcm.asf", "pcm_mulaw", ["-c:a", "pcm_mulaw"]],
  ["a.avi", "pcm_s16le", ["-c:a", "pcm_s16le"]],
  ["mp3.avi", "mp3", ["-c:a", "libmp3lame", ...WIDE]],
  ["a.ts", "aac", ["-c:a", "aac", "-f", "mpegts"]],
  ["mp2.ts", "mp2", ["-c:a", "mp2", "-f", "mpegts", ...WIDE]],
  ["ac3.m2ts", "ac3", ["-c:a", "ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1", ...FULL]],
  ["a.mpg", "mp2", ["-c:a", "mp2", ...FULL]],
  ["a.vob", "ac3", ["-c:a", "ac3", ...FULL]],
  ["a.flv", "mp3", ["-c:a", "libmp3lame", ...ODD]],
  ["aac.flv", "aac", ["-c:a", "aac"]],
  ["speex.flv", "speex", ["-c:a", "libspeex", ...WIDE]],
  ["nelly.flv", "nellymoser", ["-c:a", "nellymoser", ...LOW]],
  ["a.nut", "pcm_s16le", ["-c:a", "pcm_s16le"]],
  ["a.wtv", "mp2", ["-c:a", "mp2", ...FULL]],
  ["a.rm", "ac3", ["-c:a", "ac3", ...FULL]],
  ["a.swf", "mp3", ["-c:a", "libmp3lame", ...ODD]],
  ["a.gsm", "gsm", ["-c:a", "libgsm"]],
  ["a.c2", "codec2", ["-c:a", "libcodec2"]],
  ["a.alp", "adpcm_ima_alp", ["-f", "alp", "-c:a", "adpcm_ima_alp", ...ODD]],
  ["a.apm", "adpcm_ima_apm", ODD],
  ["a.argo", "adpcm_argo", ["-f", "argo_asf", ...ODD]],
  ["a.vag", "adpcm_ima_ssi", []],
];

/** Formats that ffmpeg knows by the end of the name alone. */
const NAMED: readonly [name: string, codec: string, options: string[]][] = [
  ["a.ul", "pcm_mulaw", ["-f", "mulaw"]],
  ["a.ulaw", "pcm_mulaw", ["-f", "mulaw"]],
  ["a.pcmu", "pcm_mulaw", ["-f", "mulaw"]],
  ["a.al", "pcm_alaw", ["-f", "alaw"]],
  ["a.ALAW", "pcm_alaw", ["-f", "alaw"]],
  ["a.sln", "pcm_s16le", ["-f", "s16le"]],
  ["a.sln16", "pcm_s16le", ["-f", "s16le", ...WIDE]],
  ["a.sln48", "pcm_s16le", ["-f", "s16le", ...STUDIO]],
  ["a.sw", "pcm_s16le", ["-f", "s16le"]],
  ["a.sb", "pcm_s8", ["-f", "s8"]],
  ["a.ub", "pcm_u8", ["-f", "u8"]],
  ["a.uw", "pcm_u16le", ["-f", "u16le"]],
  ["a.g722", "adpcm_g722", ["-f", "g722", ...WIDE]],
  ["a.g726", "adpcm_g726", ["-f", "g726", "-c:a", "g726"]],
  ["a.g726le", "adpcm_g726le", ["-f", "g726le", "-c:a", "g726le"]],
  ["a.g726-32", "adpcm_g726le", ["-f", "g726le", "-c:a", "g726le"]],
  ["a.g726-24", "adpcm_g726le", ["-f", "g726le", "-c:a", "g726le", "-code_size", "3"]],
  ["a.g723_1", "g723_1", ["-f", "g723_1", "-c:a", "g723_1", "-b:a", "6.3k"]],
  ["a.tco", "g723_1", ["-f", "g723_1", "-c:a", "g723_1", "-b:a", "6.3k"]],
  ["a.sbc", "sbc", WIDE],
  ["a.rso", "pcm_u8", LOW],
  ["a.dfpwm", "dfpwm", STUDIO],
];

/** The level every 10 ms, which no codec of telephony loses. */
function envelope({ samples }: Heard): Float32Array {
  const [size, hop] = [400, 80];
  const length = Math.floor((samples.length - size) / hop);
  return Float32Array.from({ length }, (_, i) => level(samples.subarray(i * hop, i * hop + size)));
}

function isTheCall(audio: Heard, name: string): void {
  expect(Math.abs(audio.seconds - SECONDS), name).toBeLessThan(0.25);
  // Codecs have delays of their own.
  const [own, expected] = [envelope(audio), envelope(call)];
  const likenesses = Array.from({ length: 40 }, (_, delay) =>
    likeness(own.subarray(delay), expected.subarray(10), 0, 0.09),
  );
  expect(Math.max(...likenesses), name).toBeGreaterThan(0.9);
}

describe("by content", () => {
  test.each(KNOWN)("%s with %s", async (name, codec, options) => {
    const path = await folder.encoded(name, ...options);
    const audio = await heard(path, { name: "original" });
    expect([audio.codec, audio.notes]).toEqual([codec, []]);
    isTheCall(audio, name);
  });
});

describe("by name", () => {
  test.each(NAMED)("%s with %s", async (name, codec, options) => {
    const path = await folder.encoded(name, ...options);
    // Engines keep recordings under another name.
    const kept = join(folder.path, "original");
    await copyFile(path, kept);
    const audio = await heard(kept, { name });
    expect(audio.codec).toBe(codec);
    isTheCall(audio, name);
  });
});

test("the names of all fixtures are names of recordings, and none stands twice", () => {
  const all = [...FORMAT_EXTENSIONS, ...RAW_EXTENSIONS];
  const ends = [...KNOWN, ...NAMED].map(([name]) => name.split(".").at(-1)!.toLowerCase());
  const games = ["ircam", "spdif", "swf", "ismv", "alp", "apm", "argo", "vag"];
  expect(ends.filter((end) => !all.includes(end) && !games.includes(end))).toEqual([]);
  expect(all.filter((one, place) => all.indexOf(one) < place)).toEqual([]);
});

test("what cannot be read says so, with the list of what can", async () => {
  const unknown = await refusalOf(await folder.file("text.wav", "This is a text, and no recording."));
  expect(unknown.message).toMatch(
    /^The file is not an audio file that ffmpeg can read\. Found: 33 bytes that begin with 54 68 69 73 20 69 73 20/,
  );
  expect(unknown.message).toContain(READ_FORMATS);
  expect(unknown.message).toMatch(/\.ul, .*\.g722/);
  expect(unknown.message).not.toContain(folder.path);
  const lyrics = await refusalOf(await folder.file("a.wav", ";FFMETADATA1\ntitle=a\n"));
  expect(lyrics.message).toMatch(/^ffmpeg takes the file for "ffmetadata". Cofi does not open it/);
  const playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/hostname\n#EXT-X-ENDLIST\n";
  expect((await refusalOf(await folder.file("list.m3u8", playlist))).kind).toBe("sound");
  expect((await refusalOf(await folder.file("list.txt", "ffconcat version 1.0\nfile call.wav\n"))).message).toContain(
    '"concat"',
  );
  const video = await folder.made("silent.mp4", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64");
  expect((await refusalOf(video)).message).toMatch(
    /^The file has no audio that can be decoded\. Found: mov.* with video/,
  );
});
