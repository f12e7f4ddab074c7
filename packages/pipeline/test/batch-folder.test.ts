/** What counts as a batch folder, and what is said of one that is none. */
import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readBatchFolder } from "@cofi/pipeline/batch-folder";
import { InputError } from "@cofi/pipeline/input-error";
import { batchWith, CALLS_HEADER, folderWith } from "./batch-files.js";

it("lists recordings by extension or because calls.csv names them, and says what it leaves out", async () => {
  const folder = await batchWith({
    "b.MP3": "x",
    'quote" newline\n🙂.opus': "xy",
    recorder_dump: "raw",
    "notes.txt": "n",
    ".hidden.wav": "h",
    "back\\slash.wav": "",
    "calls.csv": `${CALLS_HEADER}\nc1,a.wav,bad time,,,,,,,,\nc2,recorder_dump,2026-11-20T09:15:00Z,60,,,,,,,\nc3,trades.csv,,,,,,,,,\n`,
  });
  await mkdir(join(folder, "folder.wav"));
  await symlink(join(folder, "a.wav"), join(folder, "link.wav"));
  await symlink(join(folder, "nowhere"), join(folder, "broken.wav"));
  const batch = await readBatchFolder(folder);
  expect(batch.recordings.map(({ fileName, bytes }) => [fileName, bytes])).toEqual([
    ["a.wav", 0],
    ["b.MP3", 1],
    ["link.wav", 0],
    ['quote" newline\n🙂.opus', 2],
    ["recorder_dump", 3],
  ]);
  expect(batch.ignored).toEqual([{ name: "notes.txt", reason: expect.stringContaining("not named in calls.csv") }]);
  expect(batch.refused).toEqual([
    { name: "back\\slash.wav", reason: expect.stringContaining("rename it") },
    { name: "broken.wav", reason: expect.stringContaining("link to a file that does not exist") },
  ]);
});

it("reports a name that is not UTF-8 instead of crashing", async () => {
  const folder = await batchWith();
  const name = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".wav")]);
  await writeFile(name, "x");
  expect((await readBatchFolder(folder)).refused).toEqual([
    { name: "caf\ufffd.wav", reason: expect.stringContaining("not UTF-8") },
  ]);
  await rm(name);
});

it("finds a file that calls.csv writes in another Unicode composition", async () => {
  const folder = await batchWith({
    "cafe\u0301.dat": "x",
    "calls.csv": `${CALLS_HEADER}\nc1,caf\u00e9.dat,2026-11-20T09:15:00Z,60,,,,,,,\n`,
  });
  const batch = await readBatchFolder(folder);
  expect(batch.recordings.map((recording) => recording.fileName)).toEqual(["a.wav", "cafe\u0301.dat"]);
});

const refusal = async (path: string): Promise<string> => {
  const error: unknown = await readBatchFolder(path).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
};

it("names the path, the cause and the remedy when there is no batch", async () => {
  const folder = await batchWith();
  expect(await refusal(join(folder, "none"))).toBe(`The folder ${folder}/none does not exist. Check the path.`);
  expect(await refusal(join(folder, "a.wav"))).toMatch(/a\.wav is not a folder\. Give the folder/);
  expect(await refusal(await folderWith({ "a.wav": "" }))).toMatch(/calls\.csv does not exist\. A batch folder holds/);
  expect(await refusal(await folderWith({ "Calls.CSV": "" }))).toMatch(/Rename Calls\.CSV to calls\.csv/);
  await rm(join(folder, "a.wav"));
  expect(await refusal(folder)).toMatch(/holds no recordings: .* Put the recordings beside calls\.csv\./);
  await rm(join(folder, "trades.csv"));
  expect(await refusal(folder)).toMatch(/trades\.csv does not exist/);
  await mkdir(join(folder, "trades.csv"));
  expect(await refusal(folder)).toMatch(/trades\.csv is not a file/);
});

it("does not wait for a pipe that looks like a recording", async () => {
  const folder = await batchWith();
  execFileSync("mkfifo", [join(folder, "pipe.wav")]);
  expect((await readBatchFolder(folder)).refused).toEqual([{ name: "pipe.wav", reason: "is not a regular file" }]);
});
