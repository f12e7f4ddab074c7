/** The token that engines ask for and the pipeline sends. */
import { randomBytes } from "node:crypto";
import { Environment } from "@cofi/event-log/environment";

const SHORTEST = 16;

/** `COFI_ENGINE_TOKEN`; undefined when it is not set. @throws SettingsError, without the token, when it is no token */
export function engineToken(variables: NodeJS.ProcessEnv): string | undefined {
  const env = new Environment(variables);
  const token = env.text("COFI_ENGINE_TOKEN");
  // It travels in a header.
  if (token !== undefined && (token.length < SHORTEST || !/^[\x21-\x7e]+$/.test(token)))
    env.wrong(
      "COFI_ENGINE_TOKEN",
      `at least ${SHORTEST} letters, digits and signs without spaces (\`openssl rand -hex 24\` makes one)`,
      "too short, or holds other characters",
    );
  env.check();
  return token;
}

/** For engines that the pipeline starts itself, where none is set: nobody else needs to know it. */
export function randomToken(): string {
  return randomBytes(24).toString("hex");
}
