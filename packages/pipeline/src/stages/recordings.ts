/** What the stages that work on recordings share: which are in the batch, what is known of them, how an engine is asked. */
import { createHash } from "node:crypto";
import type { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import type { Recording } from "../batch/batch-folder.js";
import type { BatchContext, Calls } from "../batch/context.js";
import type { Measured } from "../batch/measured.js";
import type { AskAgain, Asked } from "../batch/stage.js";
import { EngineError } from "../hosts/engine-error.js";
import { PART_BYTES, partsOf } from "../hosts/file-content.js";
import { loggedAnswer } from "../hosts/logged-answer.js";
import { filesOf, type EngineHost } from "../runtime/runtime.js";

export interface FileUnit {
  name: string;
  recording: Recording;
}

/** The recordings that are still in the batch. */
export function recordingsOf({ recordings }: Pick<BatchContext, "recordings">): FileUnit[] {
  return recordings.all().map((recording) => ({ name: recording.fileName, recording }));
}

/** A recording that failed leaves the batch. */
export function drop({ recordings }: Pick<BatchContext, "recordings">): (unit: FileUnit) => void {
  return ({ name }) => recordings.delete(name);
}

export function callIdOf(calls: Calls, fileName: string): string {
  const call = calls.of(fileName);
  if (!call) throw new Error(`${fileName} is in a stage after callmetadata without a row in calls.csv.`);
  return call.callId;
}

export function trimOf(measured: Measured, fileName: string): { start_s: number; end_s: number } {
  const found = measured.speechOf(fileName);
  if (!found) throw new Error(`${fileName} is in a stage after ivr without an answer of ivr.`);
  return found.trim;
}

export function required(host: EngineHost | null): EngineHost {
  if (!host) throw new Error("A stage that uses an engine was given none.");
  return host;
}

/** Puts a recording on a host. `sha256`: of the recording, where it is known by now. */
export async function upload(
  { client, batchId, noteFiles }: Pick<BatchContext, "client" | "batchId" | "noteFiles">,
  { fileName, path }: Recording,
  host: EngineHost,
  signal: AbortSignal,
  sha256: string | null = null,
) {
  await noteFiles(filesOf(host));
  return client.upload(host, batchId, fileName, path, signal, sha256);
}

/** What a stage needs of its context to ask an engine. */
type Asking = Pick<BatchContext, "client" | "batchId" | "noteFiles" | "logger" | "renewed" | "derived"> & {
  readonly answers: Pick<BatchContext["answers"], "changes">;
};

/**
 * Before a host is asked about a recording: where that lies elsewhere, or has changed since the host may have got a copy (it would
 * answer about the old one without a word), the host is given it, once in a run.
 */
export async function prepare(
  context: Asking,
  stage: StageName,
  { recording }: FileUnit,
  payload: Json,
  engine: EngineHost | null,
  signal: AbortSignal,
): Promise<void> {
  const host = required(engine);
  const { fileName } = recording;
  const copy = `${filesOf(host).place}\0${fileName}`;
  const liesOn = context.derived.liesOn(fileName);
  const isElsewhere = liesOn !== undefined && liesOn !== host.key;
  const hasChanged = context.answers.changes.has(fileName);
  if ((!isElsewhere && !hasChanged) || context.renewed.has(copy)) return;
  const why = hasChanged ? "because it has changed between runs" : "because it lies on another host";
  // What was made from it lies beside it.
  const metadata = await give(context, recording, isElsewhere ? payload : null, host, signal);
  context.renewed.add(copy);
  const message = `${host.name} is given the recording, ${why}`;
  await context.logger.info(stage, message, { fileName, gpuIp: host.name, metadata });
}

/** Puts a recording on a host, and its denoised audio where the request is about that. @returns what was done, for the log */
async function give(
  context: Asking,
  recording: Recording,
  payload: Json,
  host: EngineHost,
  signal: AbortSignal,
): Promise<{ [key: string]: Json }> {
  const { answer } = await upload(context, recording, host, signal);
  const denoised = asksForVariant(payload) ? await context.derived.bring(recording, host, signal) : null;
  return { uploaded: { host: host.url, ...answer }, ...(denoised && { denoised }) };
}

/** Asks about a recording; gives it to the host where the host does not have it. */
export async function askEngine<T>(
  context: Asking,
  stage: StageName,
  { recording }: FileUnit,
  payload: Json,
  schema: z.ZodType<T>,
  engine: EngineHost | null,
  signal: AbortSignal,
  again: AskAgain,
): Promise<Asked<T>> {
  const host = required(engine);
  const ask = (body: Json): Promise<Asked<T>> => context.client.process(host, stage, body, schema, signal);
  try {
    return await ask(payload);
  } catch (error) {
    if (!(error instanceof EngineError) || (error.type !== "file-missing" && error.type !== "variant-missing"))
      throw error;
    await again(error, payload, () => give(context, recording, payload, host, signal));
    return ask(payload);
  }
}

/** Reads a logged response of an engine or of a model server; undefined when it does not fit the contract. */
export function answerOf<T>(schema: z.ZodType<T>): (response: Json) => T | undefined {
  return (response) => schema.safeParse(loggedAnswer(response)).data;
}

function asksForVariant(payload: Json): boolean {
  return typeof payload === "object" && payload !== null && "variant" in payload && payload["variant"] === "denoised";
}

/** Lower-case hex, as the engines answer it. `bytes`: how long the file is, as far as is known. */
export async function sha256Of(path: string, bytes = 0): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(bytes === 0 ? PART_BYTES : Math.min(PART_BYTES, bytes + 1));
  for await (const part of partsOf(path, bytes, buffer)) hash.update(part);
  return hash.digest("hex");
}
