/** What the stages that work on recordings share: which are in the batch, what is known of them, how an engine is asked. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import type { Recording } from "../batch/batch-folder.js";
import type { BatchContext, Calls } from "../batch/context.js";
import type { Measured } from "../batch/measured.js";
import type { AskAgain, Asked } from "../batch/stage.js";
import { EngineError } from "../hosts/engine-error.js";
import { loggedAnswer } from "../hosts/logged-answer.js";
import { filesOf, type EngineHost } from "../runtime/runtime.js";

export interface FileUnit {
  name: string;
  recording: Recording;
}

/** The recordings that are still in the batch. */
export function recordingsOf({ recordings }: Pick<BatchContext, "recordings">): FileUnit[] {
  return [...recordings].map(([name, recording]) => ({ name, recording }));
}

/** A recording that failed leaves the batch. */
export function drop({ recordings }: Pick<BatchContext, "recordings">): (unit: FileUnit) => void {
  return ({ name }) => void recordings.delete(name);
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

/** Puts a recording on a host. */
export async function upload(
  { client, batchId, noteFiles }: Pick<BatchContext, "client" | "batchId" | "noteFiles">,
  { fileName, path }: Recording,
  host: EngineHost,
  signal: AbortSignal,
) {
  await noteFiles(filesOf(host));
  return client.upload(host, batchId, fileName, path, signal);
}

/** What a stage needs of its context to ask an engine. */
type Asking = Pick<BatchContext, "client" | "batchId" | "noteFiles" | "logger" | "renewed"> & {
  readonly answers: Pick<BatchContext["answers"], "changes">;
};

/**
 * A host may have a copy of what a recording was before it changed, and answers about it without a word: once in a run, each
 * place is given the present one before it is asked.
 */
async function renew(
  context: Asking,
  stage: StageName,
  recording: Recording,
  host: EngineHost,
  signal: AbortSignal,
): Promise<void> {
  const { fileName } = recording;
  const copy = `${filesOf(host).place}\0${fileName}`;
  if (!context.answers.changes.has(fileName) || context.renewed.has(copy)) return;
  const { answer } = await upload(context, recording, host, signal);
  context.renewed.add(copy);
  const metadata = { uploaded: { host: host.url, ...answer } };
  const message = `${host.name} is given the recording again, because it has changed between runs`;
  await context.logger.info(stage, message, { fileName, gpuIp: host.name, metadata });
}

/** Asks about a recording; puts it on the host first where the host does not have it, or may have an old one. */
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
  await renew(context, stage, recording, host, signal);
  try {
    return await ask(payload);
  } catch (error) {
    if (!(error instanceof EngineError) || (error.type !== "file-missing" && error.type !== "variant-missing"))
      throw error;
    const uploaded = await upload(context, recording, host, signal);
    const metadata = { uploaded: { host: host.url, ...uploaded.answer } };
    if (error.type === "file-missing" && !asksForVariant(payload)) {
      await again(error, payload, metadata);
      return ask(payload);
    }
    const message = `${host.name} has no denoised audio of this file: the original is used`;
    await context.logger.info(stage, message, { fileName: recording.fileName, gpuIp: host.name });
    const original = { ...(payload as { [key: string]: Json }), variant: "original" };
    await again(error, original, metadata);
    return ask(original);
  }
}

/** Reads a logged response of an engine or of a model server; undefined when it does not fit the contract. */
export function answerOf<T>(schema: z.ZodType<T>): (response: Json) => T | undefined {
  return (response) => schema.safeParse(loggedAnswer(response)).data;
}

function asksForVariant(payload: Json): boolean {
  return typeof payload === "object" && payload !== null && "variant" in payload && payload["variant"] === "denoised";
}

/** Lower-case hex, as the engines answer it. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
