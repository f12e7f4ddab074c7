/** What Linux says of a process. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

const TICKS_PER_SECOND = 100;

/** Processor time used so far, seconds. */
export function processorSeconds(pid: number): number {
  return ticks(pid, 11, 12) / TICKS_PER_SECOND;
}

/** Processor time used so far by a process and by those of its children that have ended, seconds. */
export function processorSecondsWithChildren(pid: number): number {
  return ticks(pid, 11, 12, 13, 14) / TICKS_PER_SECOND;
}

function ticks(pid: number, ...places: number[]): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return places.reduce((sum, place) => sum + Number(fields[place]), 0);
}

/** The most resident memory that the process has had, bytes. */
export function peakResidentBytes(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}

export interface Used {
  processorSeconds: number;
  /** The most resident memory. */
  megabytes: number;
}

/** How often a process is looked at; what it uses after the last look is missed. */
const LOOK_MS = 100;

/** What a process has used until it ended, as of the last look at it. */
export async function untilItEnds(child: ChildProcess): Promise<Used> {
  const used: Used = { processorSeconds: 0, megabytes: 0 };
  const pid = child.pid ?? 0;
  while (child.exitCode === null && child.signalCode === null) {
    try {
      const megabytes = peakResidentBytes(pid) / 1e6;
      // A process that ends has no memory any more.
      if (!Number.isNaN(megabytes)) Object.assign(used, { processorSeconds: processorSeconds(pid), megabytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    await pause(LOOK_MS);
  }
  return used;
}
