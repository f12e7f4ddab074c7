// Makes data/ivr/prompts.json from the Debian package asterisk-core-sounds-en-wav:
//   apt-get download asterisk-core-sounds-en-wav && dpkg -x asterisk-core-sounds-en-wav_*.deb sounds
//   node packages/engines/tools/fingerprint-prompts.mjs sounds/usr/share/asterisk/sounds/en_US_f_Allison
// The package must be built before (npx tsc -b packages/engines).
import { writeFile } from "node:fs/promises";
import { BUILT_IN_PROMPTS, encodePrompts, fingerprintFolder } from "@cofi/engines/prompt-files";

// What a caller hears before a person answers: menus, agents, queues, voicemail, transfers. Left out are numbers, jokes,
// conference and test announcements, which share words with conversations or are never played to clients.
const WANTED =
  /^(agent|all-circuits|basic-pbx|call-forwarding|cannot-complete|check-number|dir-|invalid|number-not|one-moment|pbx-|please-try|pls-|privacy|queue|ss-noservice|transfer|vm-)/;

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("Usage: node fingerprint-prompts.mjs <folder with the prompts>");
  process.exit(2);
}
const prompts = await fingerprintFolder(folder, (name) => WANTED.test(name));
await writeFile(BUILT_IN_PROMPTS, encodePrompts(prompts));
console.log(`${prompts.length} prompts`);
