/** The cursor of the next page, from rows that were asked for one beyond the limit; null on the last. */
export function nextCursor(rows: readonly { id: number }[], limit: number): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last ? String(last.id) : null;
}
