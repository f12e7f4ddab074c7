/** The questions that llm2 answers: a data file, so that compliance can change them without touching code. */
import { readFile } from "node:fs/promises";
import { z } from "zod";

const schema = z.array(z.looseObject({ id: z.string().min(1).max(64), text: z.string().min(1) })).min(1);

export type AuditQuestion = Pick<z.infer<typeof schema>[number], "id" | "text">;

let questions: Promise<AuditQuestion[]> | undefined;

async function read(): Promise<AuditQuestion[]> {
  const text = await readFile(new URL("../../data/audit-questions.json", import.meta.url), "utf8");
  return schema.parse(JSON.parse(text)).map(({ id, text: question }) => ({ id, text: question }));
}

/** In the order in which they are asked. */
export function auditQuestions(): Promise<AuditQuestion[]> {
  questions ??= read();
  return questions;
}
