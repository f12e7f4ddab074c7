import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEngine, type RunningEngine } from "@cofi/engines/engine";
import { decodeAudio } from "@cofi/engines/audio";

const SAMPLES = new URL("../../../samples/", import.meta.url);

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
}

export function samplePath(name: string): string {
  return fileURLToPath(new URL(name, SAMPLES));
}

export function sample(name: string): Promise<Buffer> {
  return readFile(samplePath(name));
}

export async function sampleAudio(name: string): Promise<Float32Array<ArrayBuffer>> {
  return (await decodeAudio(samplePath(name))).samples;
}

export interface Label {
  type: "ring" | "silence" | "prompt" | "dtmf" | "music" | "speech";
  start: number;
  end: number;
  digit?: string;
  file?: string;
}

export interface CallTruth {
  id: string;
  duration: number;
  trim: number;
  transcript: string;
  labels: Label[];
}

export async function truthOf(id: string): Promise<CallTruth> {
  const calls = JSON.parse((await sample("truth.json")).toString("utf8")) as CallTruth[];
  const call = calls.find((candidate) => candidate.id === id);
  if (!call) throw new Error(`samples/truth.json has no ${id}`);
  return call;
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "cofi-engines-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** An engine on a free port with a folder of its own, loaded. */
export async function runningEngine(
  stage: string,
  options: { maxFileBytes?: number } = {},
): Promise<RunningEngine & { filesDir: string }> {
  const folder = await temporaryFolder();
  const engine = await startEngine(stage, { port: 0, filesDir: folder.path, ...options });
  await engine.ready;
  const close = async (): Promise<void> => {
    await engine.close();
    await folder.remove();
  };
  return { ...engine, close, filesDir: folder.path };
}

export async function upload(url: string, batchId: number, fileName: string, content: Uint8Array | string) {
  const response = await fetch(`${url}/files/${batchId}/${encodeURIComponent(fileName)}`, {
    method: "PUT",
    body: content as string,
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

export async function post<Body>(url: string, route: string, payload: unknown) {
  const response = await fetch(url + route, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: (await response.json()) as Body,
  };
}

/** Waits until a condition holds; fails after a minute. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come true within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
