/** Collects what the benchmarks measure and writes it to `bench/RESULTS.md`, with machine and date. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    benchResults: string;
  }
}

const RESULTS = "bench/RESULTS.md";

interface Row {
  title: string;
  name: string;
  /** Median of the repetitions. */
  value: number;
  unit: string;
  /** value / value of the baseline of the same title, in the same run. */
  ratio: number | null;
  note: string;
}

/** Adds the rows of one benchmark. The first is the baseline. */
export async function record(title: string, unit: string, measured: Record<string, number>, note = ""): Promise<void> {
  const [baseline] = Object.values(measured);
  const rows = Object.entries(measured).map(([name, value], index): Row => {
    const ratio = index === 0 || !baseline ? null : value / baseline;
    return { title, name, value, unit, ratio, note: index === 0 ? note : "" };
  });
  await appendFile(inject("benchResults"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** The median of `repetitions` runs of `work`. */
export async function median(work: () => Promise<number>, repetitions = 3): Promise<number> {
  const values: number[] = [];
  for (let n = 0; n < repetitions; n++) values.push(await work());
  return medianOf(values);
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "cofi-bench-"));
  const file = join(folder, "rows.ndjson");
  await writeFile(file, "");
  project.provide("benchResults", file);
  return async () => {
    const lines = (await readFile(file, "utf8")).split("\n").filter(Boolean);
    await rm(folder, { recursive: true, force: true });
    if (lines.length === 0) return;
    const old = await readFile(RESULTS, "utf8").catch(() => "");
    await writeFile(
      RESULTS,
      page(
        old,
        lines.map((line) => JSON.parse(line) as Row),
      ),
    );
  };
}

/** Replaces earlier results of the same title; a run of one benchmark keeps those of the others. */
function page(old: string, rows: readonly Row[]): string {
  const sections = new Map(
    old
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [section.slice(3, section.indexOf("\n")), section.trimEnd()]),
  );
  for (const title of new Set(rows.map((row) => row.title)))
    sections.set(
      title,
      sectionOf(
        title,
        rows.filter((row) => row.title === title),
      ),
    );
  const head =
    "# Benchmarks\n\nWritten by `npm run bench`. Medians of three where it can be repeated; ratios against the first row of each table, measured in the same run.";
  return `${[head, ...sections.values()].join("\n\n")}\n`;
}

function sectionOf(title: string, rows: readonly Row[]): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const body = rows.map(
    ({ name, value, unit, ratio }) =>
      `| ${name} | ${format(value)} ${unit} | ${ratio === null ? "1" : ratio.toFixed(2)} |`,
  );
  const note = rows[0]?.note ? `${rows[0].note}\n\n` : "";
  const date = new Date().toISOString().slice(0, 10);
  return `## ${title}\n\n${note}${date}, ${machine}.\n\n| what | measured | ratio |\n|---|---|---|\n${body.join("\n")}`;
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
