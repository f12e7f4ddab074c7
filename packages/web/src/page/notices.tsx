import { useSignal } from "@preact/signals";
import { logIn } from "../feed/api.js";
import { chooseBatch } from "../choices/place.js";

export function LoadingState({ reason }: { reason: string }) {
  return (
    <section class="notice" aria-busy="true">
      <h2>{reason === "" ? "Reading the batch …" : "Waiting for the dashboard"}</h2>
      {reason !== "" && <p>{reason} The page retries automatically.</p>}
    </section>
  );
}

export function EmptyState() {
  return (
    <section class="notice" data-testid="no-batch">
      <h2>No active batch</h2>
      <p>Nothing has been processed in this database yet. This page shows the first batch as soon as it starts.</p>
      <p>Run a folder with recordings, calls.csv and trades.csv:</p>
      <pre>npx cofi run &lt;folder&gt;</pre>
      <p>Or write events from another service, in any language:</p>
      <pre>
        {"INSERT INTO batchStatus () VALUES ();\n"}
        {"INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName)\n"}
        {"VALUES (LAST_INSERT_ID(), 'denoise', 'file_start', 'call.wav');"}
      </pre>
      <p>The README says more under “Write events from another service”.</p>
    </section>
  );
}

export function MissingBatch({ reason }: { reason: string }) {
  return (
    <section class="notice" role="alert">
      <h2>This batch is not here</h2>
      <p>{reason} It may have been pruned, or the link is from another database.</p>
      <button type="button" class="button" onClick={() => chooseBatch(null)}>
        Show the newest batch
      </button>
    </section>
  );
}

/** Shown in place of the data, so the log-in leads back to the link that was opened. */
export function LogIn({ onDone }: { onDone: () => void }) {
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (isBusy.peek()) return;
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    isBusy.value = true;
    try {
      if (await logIn(typeof token === "string" ? token.trim() : "")) return onDone();
      problem.value = "That is not the access token.";
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <form class="notice" method="post" action="login" onSubmit={(event) => void submit(event)}>
      <h2>Log in</h2>
      <p>This dashboard needs the access token that was set as COFI_ACCESS_TOKEN.</p>
      <label for="token">Access token</label>
      <input id="token" name="token" type="password" autocomplete="current-password" required />
      <p role="alert">{problem}</p>
      {/* aria-disabled, so that the focus stays on the button while it is busy. */}
      <button class="button" aria-disabled={isBusy}>
        Log in
      </button>
    </form>
  );
}
