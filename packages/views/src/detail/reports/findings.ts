/** What an operator should look at first, each with the view that shows it. The rules are said with the findings. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { causeName, headline } from "../cause-name.js";
import { reconciliation } from "../files/handoffs.js";
import { errorsView, rowsIn } from "./errors.js";
import type { Detail } from "../fold/detail.js";
import type { ErrorGroup } from "../fold/error-group.js";
import type { Finding, Stall } from "../shapes.js";

/**
 * A host is unhealthy in a stage when it has at least so many errors in its latest run, and fails so many times as often as
 * the others together.
 */
const UNHEALTHY = { errors: 5, factor: 5, rate: 0.1 };
/** A host is slow in a stage when its files take so many times as long as those of the others; from so many files on. */
const SLOW = { files: 5, factor: 3 };
/** A cause is worth a line when it took so many files for good. */
const WORTH_A_LINE = 1;
const MOST_CAUSES = 5;

/** Returns the findings, worst first: lost files, stalls, unhealthy hosts, failures. `stalls`: empty for a finished batch. */
export function findingsOf(
  detail: Detail,
  summaries: readonly StageSummary[],
  stalls: readonly Stall[],
  asOf: string,
): Finding[] {
  return [
    ...lostFiles(detail, summaries, asOf),
    ...stalls.filter(({ kind }) => kind !== "slow-file").map(stalled),
    ...unhealthyHosts(detail),
    ...slowHosts(detail),
    ...slowFiles(stalls),
    ...causes(detail, asOf),
    ...rowErrors(detail),
    ...rowWarnings(detail),
  ];
}

function lostFiles(detail: Detail, summaries: readonly StageSummary[], asOf: string): Finding[] {
  return reconciliation(detail, summaries, asOf).stages.flatMap(
    ({ stage, label, status, from, missing, missingFiles, unnamed }): Finding[] => {
      const ofNoName = unnamed === 0 ? [] : [neverNamed(stage, label, unnamed)];
      if (missing === 0) return ofNoName;
      const names = missing === 1 ? missingFiles[0] : `${missing} files`;
      const them = missing === 1 ? "it" : "them";
      const seen = from === null ? `Other stages worked on ${them}` : `${labelOf(from)} finished ${them}`;
      const isOver = status === "success" || status === "failed";
      const rule = isOver
        ? `${seen}, and ${label} is over and never saw ${them}.`
        : `${seen}, and a later stage has seen ${them}, but not ${label}.`;
      return [
        {
          kind: "missing",
          stage,
          what: missing === 1 ? (missingFiles[0] ?? null) : null,
          count: missing,
          text: `${names} never reached ${label}`,
          rule,
        },
        ...ofNoName,
      ];
    },
  );
}

function neverNamed(stage: string, label: string, count: number): Finding {
  const text = `${count} ${count === 1 ? "file" : "files"} announced by ${label} never ran`;
  const rule = `${label} is over, and this many of the files it announced have no event.`;
  return { kind: "unnamed", stage, what: null, count, text, rule };
}

function stalled({ kind, stage, what, rule }: Stall): Finding {
  const text = kind === "stuck-stage" ? `${labelOf(stage)} is stalled` : `${what} is silent in ${labelOf(stage)}`;
  return { kind, stage, what, count: 1, text, rule };
}

function slowFiles(stalls: readonly Stall[]): Finding[] {
  const byStage = new Map<string, Stall[]>();
  for (const stall of stalls)
    if (stall.kind === "slow-file") byStage.set(stall.stage, [...(byStage.get(stall.stage) ?? []), stall]);
  return [...byStage].map(([stage, slow]) => {
    const [slowest] = slow;
    const text =
      slow.length === 1
        ? `${slowest?.what} is slow in ${labelOf(stage)}`
        : `${slow.length} files are slow in ${labelOf(stage)}`;
    return {
      kind: "slow-file",
      stage,
      what: slow.length === 1 ? (slowest?.what ?? null) : null,
      count: slow.length,
      text,
      rule: slowest?.rule ?? "",
    };
  });
}

function unhealthyHosts(detail: Detail): Finding[] {
  return STAGES.flatMap(({ name, label }, stage) => {
    const latest = detail.work.stage(name).latestRunId;
    const seen = detail.hosts.all.flatMap((host, index) => {
      const own = detail.hostStages[index]?.[stage]?.runs.find(({ runId }) => runId === latest);
      return own ? [{ host, errors: own.errors, total: own.errors + own.done }] : [];
    });
    const sum = seen.reduce((all, { errors, total }) => ({ errors: all.errors + errors, total: all.total + total }), {
      errors: 0,
      total: 0,
    });
    return seen.flatMap(({ host, errors, total }): Finding[] => {
      const rate = errors / total;
      const others = sum.total > total ? (sum.errors - errors) / (sum.total - total) : null;
      if (others === null || errors < UNHEALTHY.errors || rate < UNHEALTHY.rate || rate < UNHEALTHY.factor * others)
        return [];
      const cause = mostOften(detail, stage, host);
      const rule = `${percent(rate)} of its attempts fail, ${percent(others)} of those of the other hosts.${cause === null ? "" : ` Most often: ${cause}`}`;
      return [
        { kind: "unhealthy-host", stage: name, what: host, count: errors, text: `${host} fails in ${label}`, rule },
      ];
    });
  });
}

/** Hosts whose files take far longer than those of the others, which work on the same kind of files. */
function slowHosts(detail: Detail): Finding[] {
  return STAGES.flatMap(({ name, label }, stage) => {
    const seen = detail.hosts.all.flatMap((host, index) => {
      const own = detail.hostStages[index]?.[stage];
      return own ? [{ host, busyMs: own.busyMs, timed: own.timed }] : [];
    });
    const sum = seen.reduce((all, { busyMs, timed }) => ({ busyMs: all.busyMs + busyMs, timed: all.timed + timed }), {
      busyMs: 0,
      timed: 0,
    });
    return seen.flatMap(({ host, busyMs, timed }): Finding[] => {
      const others = { busyMs: sum.busyMs - busyMs, timed: sum.timed - timed };
      if (timed < SLOW.files || others.timed < SLOW.files || others.busyMs <= 0) return [];
      const factor = busyMs / timed / (others.busyMs / others.timed);
      if (factor < SLOW.factor) return [];
      const text = `${host} is ${factor.toFixed(factor < 10 ? 1 : 0)} times slower than its peers in ${label}`;
      const rule = `Its ${timed} files took ${seconds(busyMs / timed)} each, the ${others.timed} of the other hosts ${seconds(others.busyMs / others.timed)}.`;
      return [{ kind: "slow-host", stage: name, what: host, count: timed, text, rule }];
    });
  });
}

/** The words of the most frequent errors of a host, among those of the stage. */
function mostOften(detail: Detail, stage: number, host: string): string | null {
  const index = detail.hosts.find(host);
  const ofHost = ({ hosts }: ErrorGroup): number => (index === undefined ? 0 : (hosts.get(index) ?? 0));
  const groups = detail.errors.filter((group) => group.stages.has(stage) && ofHost(group) > 0);
  const [most] = groups.toSorted((a, b) => ofHost(b) - ofHost(a));
  return most ? headline(most.examples[0]?.message ?? null) : null;
}

/** Errors of CSV rows. A row with errors is a call or a trade that is not processed; it may have several errors. */
function rowErrors(detail: Detail): Finding[] {
  return STAGES.flatMap(({ name, label, unit }, stage): Finding[] => {
    if (unit !== "table") return [];
    const count = detail.errors.reduce((sum, group) => sum + rowsIn(detail, group, stage), 0);
    if (count === 0) return [];
    const refused = detail.refusedRows[stage]?.count ?? 0;
    if (name === "trademetadata" && refused > 0) return [unauditedTrades(refused)];
    const text = `${count} ${count === 1 ? "error" : "errors"} in the rows of ${label}`;
    return [
      {
        kind: "rows",
        stage: name,
        what: null,
        count,
        text,
        rule: "Rows with errors are set aside; the others continue.",
      },
    ];
  });
}

/** What the errors in trades.csv mean: nobody will look for the orders of these rows. */
function unauditedTrades(count: number): Finding {
  const text = `${count.toLocaleString("en-GB")} ${count === 1 ? "trade" : "trades"} will not be audited`;
  const rule = `${count === 1 ? "Its row in trades.csv has an error and is" : "Their rows in trades.csv have errors and are"} set aside; the others continue. Correct the file and run the batch again.`;
  return { kind: "rows", stage: "trademetadata", what: null, count, text, rule };
}

/** Values of CSV files that were not understood, or are missing though the trade needs them. */
function rowWarnings(detail: Detail): Finding[] {
  return STAGES.flatMap(({ name: stage }, index): Finding[] =>
    [...(detail.refusedRows[index]?.warned ?? [])].map(([file, count]) => {
      const values = count === 1 ? "1 value" : `${count.toLocaleString("en-GB")} values`;
      const text = `${values} of ${file} ${count === 1 ? "needs" : "need"} a look`;
      const rule =
        "Such a value was not understood, and is taken as not given, or is missing though the trade needs it. The rows stay. The journey of the file lists the values.";
      return { kind: "values", stage, what: file, count, text, rule };
    }),
  );
}

function causes(detail: Detail, asOf: string): Finding[] {
  return errorsView(detail, asOf)
    .groups.filter(({ final }) => final >= WORTH_A_LINE)
    .toSorted((a, b) => b.final - a.final)
    .slice(0, MOST_CAUSES)
    .map(({ cause, example, final, doneLater, stages }): Finding => {
      const standing = stages.filter((one) => one.final > 0);
      const where = standing.map(({ stage }) => labelOf(stage)).join(", ");
      const text = `${final} ${final === 1 ? "failure" : "failures"} in ${where}: ${causeName(example, final - 1)}`;
      const were = doneLater === 1 ? "was" : "were";
      const more = doneLater === 0 ? "" : ` ${doneLater} more failed and ${were} done by a later try.`;
      return {
        kind: "cause",
        stage: standing[0]?.stage ?? "",
        what: cause,
        count: final,
        text,
        rule: `Failures with the same cause, each file by its latest outcome.${more}`,
      };
    });
}

function labelOf(stage: string | null): string {
  return STAGES.find(({ name }) => name === stage)?.label ?? stage ?? "";
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
