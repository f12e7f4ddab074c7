/**
 * Measures the CPU engines of llm1 and llm2 and the verdicts on labelled dialogues, without audio.
 *
 *     npm run truth -- [folder …] [--failures] [--unseen]
 *
 * Our own set has two parts: `--failures` shows what is wrong in `seen` (dialogues.json), and in the folders that are named, but never
 * in `unseen` (held-back.json): rules that were made by looking at their test prove nothing. `unseen` is measured with `--unseen`
 * alone, since a rule that is tried until its figures are good has looked at it, too.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { casesOf, ownDialogues } from "./truth/cases.mjs";
import { brief, measure } from "./truth/figures.mjs";

const { values, positionals } = parseArgs({
  options: { failures: { type: "boolean", default: false }, unseen: { type: "boolean", default: false } },
  allowPositionals: true,
});

const { seen, unseen } = await ownDialogues();
const sets = [{ name: "seen", dialogues: seen, isShown: values.failures }];
if (values.unseen) sets.push({ name: "unseen", dialogues: unseen, isShown: false });
for (const folder of positionals)
  sets.push({ name: basename(folder), dialogues: await casesOf(folder), isShown: values.failures });

/** @param {number} part @param {number} whole */
const share = (part, whole) => (whole === 0 ? "-" : `${Math.round((1000 * part) / whole) / 10} %`);

/** @type {Record<string, Record<string, string | number>>} */
const table = {};
for (const { name, dialogues, isShown } of sets)
  for (const mode of /** @type {const} */ (["labelled", "unlabelled", "merged"])) {
    const { figures, failures } = await measure(dialogues, mode);
    if (isShown)
      for (const { dialogue, heard, complaints } of failures) {
        console.log(`\n${name} ${dialogue.id} (${mode})`);
        for (const { speaker, text } of dialogue.turns) console.log(`    ${speaker}: ${text}`);
        for (const order of heard.orders) console.log(`    = ${brief(order)}`);
        for (const complaint of complaints) console.log(`    ! ${complaint}`);
      }
    table[`${name}, ${mode}`] = {
      dialogues: figures.dialogues,
      trades: figures.trades,
      "FALSE CONFIRMED": figures.falseConfirmed,
      "FALSE MISMATCH": figures.falseMismatch,
      "false absence": figures.falseAbsence,
      LOW_CONFIDENCE: share(figures.lowConfidence, figures.trades),
      exact: share(figures.exact, figures.trades),
      acceptable: share(figures.acceptable, figures.trades),
      precision: share(figures.right, figures.found),
      recall: share(figures.right, figures.expected),
      confirmations: share(figures.rightConfirmations, figures.confirmations),
      audit: share(figures.rightAnswers, figures.questions),
    };
  }
console.table(table);
