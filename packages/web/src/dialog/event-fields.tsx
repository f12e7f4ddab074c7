import type { LogEventDetail } from "@cofi/event-log/events";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { bytes, duration, fullTime, number } from "../text/format.js";
import { JsonTree } from "./json-tree.js";
import { readJson } from "../shared/json-text.js";
import { zone } from "../choices/preferences.js";
import { CopyButton } from "../shared/copy-button.js";
import { Name } from "../shared/name.js";

/** Every column of the row except payload, response and error message; null is a dash, so that no column is hidden. */
export function EventFields({ event, label }: { event: LogEventDetail; label: string | null }) {
  const { durationMs, fileName } = event;
  return (
    <dl class="fields">
      <Field name="Time">
        <time dateTime={event.timestamp} title={event.timestamp}>
          {fullTime(event.timestamp, zone.value)}
        </time>
      </Field>
      <Field name="Stage">
        {label ?? <Name text={event.stage} />} {label !== null && <code class="soft">{event.stage}</code>}
      </Field>
      <Field name="Type">
        <code>{event.eventType}</code>
      </Field>
      <Field name="Status">{event.status}</Field>
      <Field name="File">
        {fileName !== null && (
          <>
            <Name text={fileName} /> <CopyButton what="file name" text={() => fileName} />
          </>
        )}
      </Field>
      <Field name="Host">{event.gpuIp !== null && <Name text={event.gpuIp} />}</Field>
      <Field name="Attempt">{event.attempt}</Field>
      <Field name="Run">
        {event.run === null ? null : `${event.run}${event.history ? " (arrived after a newer run had begun)" : ""}`}
      </Field>
      <Field name="Duration">
        {durationMs !== null && <span title={`${number(durationMs)} ms`}>{duration(durationMs)}</span>}
      </Field>
      <Field name="Files processed">{event.processedFiles !== null && number(event.processedFiles)}</Field>
      <Field name="Files in all">{event.totalFiles !== null && number(event.totalFiles)}</Field>
      <Field name="Payload">{event.payloadBytes !== null && bytes(event.payloadBytes)}</Field>
      <Field name="Response">{event.responseBytes !== null && bytes(event.responseBytes)}</Field>
      <Field name="Batch">{event.batchId}</Field>
      <Field name="Event">
        {event.id} <CopyButton what="link to this event" text={() => location.href} />
      </Field>
      {event.metadataText !== null && <Metadata text={event.metadataText} />}
    </dl>
  );
}

/** Numbers and keys as they stand in the text. */
function Metadata({ text }: { text: string }) {
  const query = useSignal("");
  const current = useSignal<string | null>(null);
  const branches = useSignal("some" as const);
  const parsed = useMemo(() => readJson(text), [text]);
  return (
    <div class="field-wide">
      <dt>Metadata</dt>
      <dd>
        {parsed ? (
          <JsonTree value={parsed.root} state={{ query, current, branches }} />
        ) : (
          <pre class="plain">{text}</pre>
        )}
      </dd>
    </div>
  );
}

function Field({ name, children }: { name: string; children: ComponentChildren }) {
  const isEmpty = children === null || children === false;
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isEmpty ? "soft" : undefined}>{isEmpty ? "–" : children}</dd>
    </div>
  );
}
