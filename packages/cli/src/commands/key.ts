import { signingKey } from "../environment.js";

/** `cofi key`: makes the key of this machine where there is none, and prints its public half. */
export function keyCommand(): void {
  const { isNew, path, public: publicKey } = signingKey();
  console.error(
    `${isNew ? "The key was made" : "The key is"} in ${path}, for this user alone. Its id is ${publicKey.id}. ` +
      "Keep a copy of it; give the public key below to whoever is to verify packs and seals.",
  );
  process.stdout.write(publicKey.text);
}
