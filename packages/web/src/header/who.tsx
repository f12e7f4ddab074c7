import { useSignalEffect } from "@preact/signals";
import type { LiveState } from "../feed/live-state.js";
import { learnWho, who } from "../feed/session.js";

const LOCAL = "Local administrator, no log-in";

/** Who looks at the page, and the way out for those who have logged in. */
export function WhoIsIt({ state }: { state: LiveState }) {
  useSignalEffect(() => {
    if (state.connection.value !== "live") return undefined;
    const controller = new AbortController();
    void learnWho(controller.signal);
    return () => controller.abort();
  });
  const known = who.value;
  if (!known) return null;
  const { way, role, loggedIn } = known;
  if (way === "local")
    return (
      <span
        class="who-local soft"
        title="This dashboard is for this machine alone, and nobody logs in. `npx cofi user add` changes that."
        data-testid="who"
      >
        {LOCAL}
      </span>
    );
  return (
    <>
      <span class="who soft" title={`Role: ${role}`} data-testid="who">
        {loggedIn ? known.who : "Not logged in"} · {role}
      </span>
      {loggedIn && (
        <form method="post" action="logout">
          <button class="button quiet">Log out</button>
        </form>
      )}
    </>
  );
}
