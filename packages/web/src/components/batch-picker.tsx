import type { Batch } from "@cofi/event-log/events";

export function BatchPicker({ current }: { current: Batch | null }) {
  return <span>{current?.name ?? ""}</span>;
}
