import { fileQuery, place } from "../../choices/routes.js";

const FORMATS = ["csv", "json", "ndjson"] as const;

/** Exports the filtered files, or all events, as a file. */
export function ExportMenu({ batchId }: { batchId: number }) {
  const { filters } = place.value;
  const links = (path: string, query: Record<string, string>) =>
    FORMATS.map((format) => (
      <a
        key={format}
        class="button"
        download=""
        href={`api/batch/${batchId}/export/${path}?${new URLSearchParams({ ...query, format })}`}
      >
        {format.toUpperCase()}
      </a>
    ));
  return (
    <>
      <button type="button" class="button" popovertarget="export" aria-haspopup="dialog">
        Export
      </button>
      <div id="export" class="picker export" popover="auto" role="dialog" aria-label="Export">
        <h2>These files, a row for each stage</h2>
        <p class="pages">{links("files", fileQuery(filters))}</p>
        <h2>All events of the batch</h2>
        <p class="pages">{links("events", {})}</p>
        <p class="soft">
          Each row has its event id. Payloads are not included: they hold transcripts and phone numbers.{" "}
          <code>cofi export events --payloads</code> has them.
        </p>
      </div>
    </>
  );
}
