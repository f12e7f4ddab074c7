/** `README.txt` of a pack. A test runs its recipe. */
import { MANIFEST, PUBLIC_KEY, SIGNATURE } from "../manifest.js";

export const README = `This pack holds what proves or refutes one trade: what was executed, what was said, and how the verdict came to be.
It holds what people said on the phone, their names and their numbers: keep it as you keep such recordings.

Open index.html in a browser. It needs no network.

WHAT IS IN IT

index.html              the case, to read and to listen to
case.json               which trade, which recordings, and what is missing
recordings/             the recordings, byte for byte as they were processed
rows/                   the trade, its order, its calls, transcripts, what was heard, and answers, as the database has them
verdicts.json           all verdicts on the trade, newest first
reviews.json            what people did with the case, in its order: decisions, approvals, notes, corrections
runs.json               the runs of the batch, each with its configuration and version
events.ndjson           the events of the log about the trade and its recordings, a JSON object a line, with payloads and responses
seals/                  the seals of the batch's events: what was signed when the batch ended, and the hashes that these events are proven by
access-log.ndjson       entries of the access log about this case
public-key.pem          the public half of the key that has signed (Ed25519)
SHA256SUMS              the SHA-256 of the files above
manifest.json           the SHA-256 of all of them, signed
manifest.sig            its signature

The access log is a chain over all entries, of which these are some: "cofi verify --access-log" proves it where it is kept.

TO VERIFY IT

With Cofi, which needs neither a database nor a network for it and names what was changed:

  npx cofi verify <this pack>.zip --key <public key that you were given>

With openssl (3 or newer) and sha256sum, in the folder where the pack was unzipped:

  openssl pkeyutl -verify -pubin -inkey ${PUBLIC_KEY} -rawin -in ${MANIFEST} -sigfile ${SIGNATURE}
  sha256sum --check --strict --quiet SHA256SUMS
  grep --quiet "$(sha256sum SHA256SUMS | cut -d ' ' -f 1)" ${MANIFEST}

All three succeed: the first prints "Signature Verified Successfully", the others print nothing. Then each file is as it was when the
pack was made, by whoever has the private half of public-key.pem. A key that comes with the pack proves only that the pack is in
itself whole: compare it with the key that you were given in another way ("npx cofi key" prints it).

A seal is verified in the same way, with the public key of the machine that made it (keyId in seals/seals.ndjson):

  openssl pkeyutl -verify -pubin -inkey ${PUBLIC_KEY} -rawin -in seals/seal-1.txt -sigfile seals/seal-1.sig
`;
