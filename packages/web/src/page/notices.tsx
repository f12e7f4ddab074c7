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

/** Shown in place of the data. The log-in leads back to the link that is open. */
export function LoggedOut() {
  const next = `${location.pathname}${location.search}${location.hash}`;
  return (
    <section class="notice" data-testid="logged-out">
      <h2>You are logged out</h2>
      <p>The session has ended, or the dashboard asks for a log-in now.</p>
      <a class="button" href={`login?${new URLSearchParams({ next })}`}>
        Log in
      </a>
    </section>
  );
}
