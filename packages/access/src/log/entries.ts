/** What an entry of the access log says. */

/**
 * log-in, log-in-refused, log-out: of users · session-ended: by an administrator · user-changed: added, removed, another role or password ·
 * reveal: contents of one event, case or hold · search: by words · export: of a batch · prune: what retention removed · play: of recordings ·
 * review: a case was taken, released, noted on or corrected, or cases were drawn · decision: a case was decided, approved or rejected ·
 * hold, release: what retention must not remove
 */
export const ACTIONS = [
  "log-in",
  "log-in-refused",
  "log-out",
  "session-ended",
  "user-changed",
  "reveal",
  "search",
  "export",
  "play",
  "review",
  "decision",
  "hold",
  "release",
  "prune",
] as const;
export type Action = (typeof ACTIONS)[number];

/** Somebody who did something, and from where. */
export interface Actor {
  who: string;
  /** Empty for somebody whose role is not known, as after a log-in that was refused. */
  role: string;
  /** Of the request; empty on the command line. */
  address: string;
}

export interface NewEntry extends Actor {
  action: Action;
  /** On what: `event 17`, `events of batch 3 with payloads`. No contents. */
  what: string;
  /** The reason that was given; empty where none is asked. */
  why: string;
  batchId: number | null;
  /** Tells apart what one request did. */
  request: string;
}

export interface Entry extends NewEntry {
  seq: number;
  /** ISO 8601, by the database's clock. */
  at: string;
  /** Lower-case hex; covers this entry and all before it. */
  hash: string;
}
