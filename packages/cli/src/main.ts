/** `cofi`: the composition root, the only place that knows all parts. */
import { Command, CommanderError } from "commander";
import { loadEnvFile } from "./environment.js";
import { CommandError, EXIT } from "./exit.js";
import { VERSION } from "./version.js";

const program = new Command("cofi")
  .description(
    "Proves that every trade was ordered by its client on a recorded call: batch pipeline and live dashboard.",
  )
  .version(VERSION)
  .showHelpAfterError("(--help shows how)")
  .exitOverride()
  .addHelpText(
    "after",
    "\nSettings are environment variables, read from .env in the working directory: see .env.example." +
      "\nExit codes: 0 done, 1 the batch failed or has failed files (check: a run would refuse something), 2 wrong use, 130 stopped by Ctrl-C.",
  );

program
  .command("up")
  .description("migrate, serve the dashboard and run the sample batch; keeps running (npm start)")
  .action(async () => (await import("./commands/up.js")).upCommand());

program
  .command("migrate")
  .description("bring the schema of the configured database up to date")
  .action(async () => (await import("./commands/migrate.js")).migrateCommand());

program
  .command("run")
  .description("run a batch: a folder with recordings, calls.csv and trades.csv; continues one that was stopped")
  .argument("<folder>", "folder of the batch")
  .option("--name <name>", "name of a new batch; default: the name of the folder")
  .option("--batch <id>", "continue this batch and retry its failed files")
  .option("--new", "start a new batch even if the last one of the folder is unfinished")
  .action(async (folder: string, options) => (await import("./commands/run.js")).runCommand(folder, options));

program
  .command("check")
  .description(
    "read a folder as a run would, without engines and database, and list odd rows and those that would be refused",
  )
  .argument("<folder>", "folder of the batch")
  .option("--all", "list every odd row, and not the first of each kind alone")
  .action(async (folder: string, options) => (await import("./commands/check.js")).checkCommand(folder, options));

program
  .command("serve")
  .description("serve the dashboard")
  .action(async () => (await import("./commands/serve.js")).serveCommand());

program
  .command("tail")
  .description("print the events of a batch as they come")
  .option("--batch <id>", "number of the batch; default: the newest")
  .action(async (options) => (await import("./commands/tail.js")).tailCommand(options));

program
  .command("explain")
  .description("say why a trade has its verdict, from the log alone, and compute it again")
  .argument("[trade]", "id of the trade")
  .option("--batch <id>", "number of the batch; default: the newest")
  .option("--all", "compute the verdicts of all trades of the batch again, and count which come out the same")
  .action(async (trade: string | undefined, options) =>
    (await import("./commands/explain.js")).explainCommand(trade, options),
  );

program
  .command("export")
  .description("write a batch's files by stages, or its events, as CSV, JSON or NDJSON")
  .argument("<what>", "files or events")
  .option("--batch <id>", "number of the batch; default: the newest")
  .option("--format <format>", "csv, json or ndjson", "csv")
  .option("--output <file>", "file to write; default: standard output")
  .option("--payloads", "include payloads and responses, which hold transcripts and phone numbers")
  .action(async (what: string, options) => (await import("./commands/export.js")).exportCommand(what, options));

program
  .command("pack")
  .description(
    "make the pack of a trade: a signed zip with all that proves or refutes it, which reads and plays without Cofi",
  )
  .argument("<trade>", "id of the trade")
  .option("--batch <id>", "number of the batch; default: the newest")
  .option("--output <file>", "file to write; default: cofi-batch-<id>-<trade>.zip in the working directory")
  .option("--reason <text>", "why, for the access log")
  .action(async (trade: string, options) => (await import("./commands/pack.js")).packCommand(trade, options));

program
  .command("prune")
  .description("remove payloads, recordings and events that are older than their configured age")
  .option(
    "--payloads <age>",
    "how long to keep payloads, responses, transcripts and recordings after a batch ended: 90d, 12w, 1y",
  )
  .option("--events <age>", "how long to keep events and results: 7y")
  .option("--dry-run", "list what would be removed, without removing it")
  .action(async (options) => (await import("./commands/prune.js")).pruneCommand(options));

program
  .command("hold")
  .description("keep a batch, a call, a trade or a client from retention, until it is released")
  .argument("<what>", "batch, call, trade or client")
  .argument("<id>", "number of the batch, id of the call or trade, or code of the client")
  .requiredOption("--reason <reason>", "why, for the list of holds")
  .option("--batch <id>", "the batch of the call or trade; of a client: only in this batch, and not in all")
  .action(async (what: string, id: string, options) =>
    (await import("./commands/hold.js")).holdCommand(what, id, options),
  );

program
  .command("release")
  .description("release a hold: retention removes what is old enough")
  .argument("<number>", "number of the hold, as `cofi holds` lists it")
  .requiredOption("--reason <reason>", "why, for the list of holds")
  .action(async (number: string, options) => (await import("./commands/hold.js")).releaseCommand(number, options));

program
  .command("holds")
  .description("list what retention must not remove, newest first")
  .option("--batch <id>", "only what holds something of this batch")
  .option("--released", "also the holds that were released")
  .action(async (options) => (await import("./commands/hold.js")).holdsCommand(options));

const user = program.command("user").description("users of the dashboard that log in with a password");

user
  .command("add")
  .description("add a user; the password is typed, or read from standard input")
  .argument("<name>", "name to log in with")
  .option("--role <role>", "viewer, operator, reviewer, auditor or admin", "viewer")
  .action(async (name: string, options) => (await import("./commands/user.js")).addUserCommand(name, options));

user
  .command("list")
  .description("list the users and their roles")
  .action(async () => (await import("./commands/user.js")).listUsersCommand());

user
  .command("role")
  .description("give a user another role, and end the user's sessions")
  .argument("<name>", "name of the user")
  .argument("<role>", "viewer, operator, reviewer, auditor or admin")
  .action(async (name: string, role: string) => (await import("./commands/user.js")).setRoleCommand(name, role));

user
  .command("password")
  .description("give a user another password, and end the user's sessions")
  .argument("<name>", "name of the user")
  .action(async (name: string) => (await import("./commands/user.js")).setPasswordCommand(name));

user
  .command("remove")
  .description("remove a user, and end the user's sessions")
  .argument("<name>", "name of the user")
  .action(async (name: string) => (await import("./commands/user.js")).removeUserCommand(name));

user
  .command("revoke")
  .description("end all sessions of somebody, whichever way they logged in")
  .argument("<who>", "as the access log names who it is")
  .action(async (who: string) => (await import("./commands/user.js")).revokeCommand(who));

program
  .command("key")
  .description("make the key by which this machine signs seals and packs, and print its public half")
  .action(async () => (await import("./commands/key.js")).keyCommand());

program
  .command("verify")
  .description("prove that what was recorded is as it was written: a pack, the events of batches, or the access log")
  .argument("[pack]", "a pack, which is proven without a database")
  .option(
    "--batch [id]",
    "the seals: that no event of this batch was changed since it ended; without a number, of all batches",
  )
  .option("--access-log", "the access log: that no entry was changed, removed or put in")
  .option(
    "--end <seq:hash>",
    "an end of the access log, or of the seals, that was noted before and must still be there",
  )
  .option(
    "--key <file>",
    "a public key that may have signed, beside those of the data folder; may be given more than once",
    collect,
    [],
  )
  .action(async (pack: string | undefined, options) =>
    (await import("./commands/verify.js")).verifyCommand(pack, options),
  );

program
  .command("engine")
  .description("serve the engine of one stage by hand")
  .argument("<stage>", "file_distribution, denoise, ivr, lid, stt, llm1 or llm2")
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--port <port>", "port to listen on; 0 takes a free one", "0")
  .option("--files-dir <folder>", "folder for recordings; default: files in the data folder")
  .option("--concurrency <n>", "files in progress at once; default: the number of processors")
  .option("--until-stdin-closes", "stop when standard input closes, that is, with the program that started it")
  .action(async (stage: string, options) => (await import("./commands/engine.js")).engineCommand(stage, options));

/** Of an option that may be given more than once. */
function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/**
 * Errors whose message is enough for the user, so they are printed without a stack. They are listed by name, so that no
 * command loads the modules of another. The value is the exit code.
 */
const EXPECTED: ReadonlyMap<string, number> = new Map([
  ["SettingsError", EXIT.usage],
  ["OpenEngineError", EXIT.usage],
  ["FilesFolderError", EXIT.failed],
  ["InputError", EXIT.usage],
  ["MissingColumnsError", EXIT.usage],
  ["DatabaseRejectedError", EXIT.usage],
  ["DatabaseUnavailableError", EXIT.failed],
  ["MigrationError", EXIT.failed],
  ["SpoolInUseError", EXIT.failed],
  ["BatchInUseError", EXIT.failed],
  ["LeaseLostError", EXIT.failed],
  ["RunSupersededError", EXIT.failed],
  ["RetentionTakenOverError", EXIT.failed],
  ["ListenError", EXIT.failed],
]);

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.exitCode;
  }
  const expected = error instanceof Error ? EXPECTED.get(error.name) : undefined;
  if (expected !== undefined) {
    console.error((error as Error).message);
    return expected;
  }
  console.error(stackOf(error));
  return EXIT.failed;
}

/** With the stacks of its causes, and without properties: those of a driver's error may hold the values of a statement. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`;
}

// A reader that has left (`cofi run … | head`) must not end a batch. Commands that only print handle it themselves.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

// What is written holds what clients said on the phone: files and folders are for their owner alone.
process.umask(0o077);

try {
  loadEnvFile();
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
