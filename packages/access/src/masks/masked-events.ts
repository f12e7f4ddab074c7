/**
 * Events without their contents. Contents are payloads and responses; what errors, notes and metadata may echo of them; and telephone numbers
 * in names of files. Names of hosts, batches, stages and trades, times, states and counts are not.
 */
import type { LogEvent, LogEventDetail } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import type { EventLens } from "@cofi/event-log/lens";
import { maskedText, type Subject } from "./free-text.js";
import { shownName } from "./names.js";
import type { Pseudonyms } from "./pseudonyms.js";
import { maskedBody, maskedMetadata } from "./values.js";

/** No file has this name. */
const NO_FILE = "\0";
const NOTHING: Subject = { file: null, host: null };

/** Shows a store's events to those who may see the progress of batches and no contents. */
export function maskedEvents(pseudonyms: Pseudonyms): EventLens {
  const hide = (content: string): string => pseudonyms.of(content);
  const shown = (name: string): string => shownName(name, pseudonyms);

  const subjectOf = ({ fileName, gpuIp }: LogEvent): Subject => ({
    file: fileName === null ? null : [fileName, shown(fileName)],
    host: gpuIp,
  });

  const event = <E extends LogEvent>(one: E): E => {
    const { fileName, errorMessage, metadata } = one;
    const name = fileName === null ? null : shown(fileName);
    if (errorMessage === null && (metadata === null || metadata === undefined))
      return name === fileName ? one : { ...one, fileName: name };
    const subject = subjectOf(one);
    return {
      ...one,
      fileName: name,
      errorMessage: errorMessage === null ? null : maskedText(errorMessage, subject, hide),
      metadata: maskedMetadata(metadata, subject, hide),
    };
  };

  return {
    event,
    detail(one: LogEventDetail) {
      const { metadataText, payload, response } = one;
      const masked = event(one);
      return {
        ...masked,
        metadataText: metadataText === null ? null : metadataShown(metadataText, subjectOf(one)),
        payload: payload === null ? null : maskedBody(payload, hide),
        response: response === null ? null : maskedBody(response, hide),
        // A hash of the whole would tell whether a guess is right.
        payloadCut: one.payloadCut && { ...one.payloadCut, sha256: null },
        responseCut: one.responseCut && { ...one.responseCut, sha256: null },
      };
    },
    metadata: (metadata) => maskedMetadata(metadata, NOTHING, hide),
    name: shown,
    content: hide,
    text: (text) => maskedText(text, NOTHING, hide),
    storedName(name) {
      const stored = pseudonyms.withNumbers(name);
      // A name that is shown otherwise would answer whether there is such a file.
      return shown(stored) === name ? stored : NO_FILE;
    },
  };

  function metadataShown(text: string, subject: Subject): string {
    const metadata = parseJson(text);
    return metadata === undefined
      ? JSON.stringify(hide(text))
      : JSON.stringify(maskedMetadata(metadata, subject, hide));
  }
}
