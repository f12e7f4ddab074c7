/** A file as a row of the matrix: its name, and a cell for each stage. Rendered again only after a change. */
import type { FileRow } from "@cofi/views/detail/shapes";
import { memo } from "preact/compat";
import { duration } from "../../text/format.js";
import { go, place } from "../../choices/routes.js";
import { FILE_LOOKS } from "../file-look.js";
import { CutName } from "../../shared/name.js";
import { visible } from "../../text/names.js";

interface FileLineProps {
  row: FileRow;
  /** All drawn values as one text for comparison, because every answer brings new row objects. */
  print: string;
  hosts: readonly string[];
  /** Indexes of the stages that are shown. */
  columns: readonly number[];
  labels: readonly string[];
  /** Position among all files that pass the filter. */
  index: number;
  isEntrance: boolean;
}

export const FileLine = memo(
  function FileLine({ row, hosts, columns, labels, index: position, isEntrance }: FileLineProps) {
    const spoken = row.cells.flatMap((cell, index) =>
      cell && cell.state !== "done" && cell.state !== "waiting"
        ? [`${labels[index]} ${FILE_LOOKS[cell.state].word}`]
        : [],
    );
    return (
      <li>
        <button
          type="button"
          class="matrix-row"
          tabindex={isEntrance ? 0 : -1}
          data-file={row.fileName}
          data-index={position}
          onClick={() => go({ ...place.peek(), file: row.fileName, compared: [] })}
        >
          <span class="matrix-name">
            <CutName text={row.fileName} />
            <span class="unseen">: {spoken.join(", ") || "nothing unusual"}</span>
          </span>
          {columns.map((index) => {
            const cell = row.cells[index];
            if (!cell) return <span key={labels[index]} class="cell" aria-hidden="true" />;
            const { glyph, word, tone } = FILE_LOOKS[cell.state];
            const host = cell.host === null ? "" : ` on ${visible(hosts[cell.host] ?? "")}`;
            const took = cell.durationMs === null ? "" : `, ${duration(cell.durationMs)}`;
            return (
              <span
                key={labels[index]}
                class="cell"
                aria-hidden="true"
                data-tone={tone}
                data-state={cell.state}
                title={`${labels[index]}: ${word}${host}${took}${cell.attempts > 1 ? `, ${cell.attempts} attempts` : ""}`}
              >
                <span class="glyph">{glyph}</span>
                {cell.attempts > 1 && (
                  <span class="cell-attempts">
                    <span class="cell-times">×</span>
                    {cell.attempts}
                  </span>
                )}
                <span class="cell-took">{cell.durationMs === null ? "" : duration(cell.durationMs)}</span>
              </span>
            );
          })}
        </button>
      </li>
    );
  },
  (before, after) =>
    before.print === after.print && before.index === after.index && before.isEntrance === after.isEntrance,
);
