/** Units whose work is done in one place. */
export interface Queue<U> {
  units: readonly U[];
  /** Units in progress at once. */
  slots: number;
}

/**
 * Begins the units of each queue in their order, no more at once than it has slots: a stage of any size takes little memory.
 * What `begin` leaves to be done later, such as another attempt, is done beside the units that follow.
 * Waits for all, also where one fails; then rejects with the first failure.
 */
export async function workThrough<U>(
  queues: readonly Queue<U>[],
  begin: (unit: U) => Promise<(() => Promise<void>) | null>,
): Promise<void> {
  const later = new Set<Promise<void>>();
  let failure: { reason: unknown } | null = null as { reason: unknown } | null;
  const failed = (reason: unknown): void => void (failure ??= { reason });
  const worker = async (units: Iterator<U>): Promise<void> => {
    for (let next = units.next(); !next.done; next = units.next()) {
      const rest = await begin(next.value).catch(failed);
      if (!rest) continue;
      const over = rest()
        .catch(failed)
        .finally(() => later.delete(over));
      later.add(over);
    }
  };
  await Promise.all(
    queues.flatMap(({ units, slots }) => {
      const shared = units.values();
      return Array.from({ length: Math.min(slots, units.length) }, () => worker(shared));
    }),
  );
  while (later.size > 0) await Promise.all(later);
  if (failure) throw failure.reason;
}
