/** Pictograms, drawn on a 24-unit grid with one stroke. The names are those of the stage table. */
const STAGE_PATHS: Readonly<Record<string, string>> = {
  upload: "M12 15V4m-4.5 4L12 3.5 16.5 8M4 14v4.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V14",
  phone:
    "M6.5 3.5h3l1.6 4.3-2.2 1.6a11 11 0 0 0 5.7 5.7l1.6-2.2 4.3 1.6v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2Z",
  receipt: "M5.5 3.5v17l2.2-1.4 2.1 1.4 2.2-1.4 2.2 1.4 2.1-1.4 2.2 1.4v-17ZM9 8.5h6M9 12.5h6",
  waves: "M3 12h2.5M8 8.5v7M12 4.5v15M16 8.5v7M18.5 12H21",
  dialpad: "M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01M12 21.5h.01",
  globe:
    "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM3.5 12h17M12 3.5c2.6 2.4 3.8 5.2 3.8 8.5s-1.2 6.1-3.8 8.5c-2.6-2.4-3.8-5.2-3.8-8.5s1.2-6.1 3.8-8.5Z",
  split: "M3.5 12H9l4.5-6.5h6M9 12l4.5 6.5h6M17 3l2.5 2.5L17 8M17 16l2.5 2.5L17 21",
  transcript: "M4.5 4.5h15v11h-9l-4 4v-4h-2ZM8 8.5h8M8 11.5h5",
  extract: "M14 3.5H6.5v17h11V7ZM14 3.5V7h3.5M9.5 13.5h5m-2-2 2 2-2 2",
  checklist: "m3.5 6.5 1.5 1.5L8 5M3.5 12.5 5 14l3-3M3.5 18.5 5 20l3-3M11.5 6.5h9M11.5 12.5h9M11.5 18.5h9",
  unknown: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
};

const ACTION_PATHS = {
  previous: "m14.5 5-7 7 7 7",
  next: "m9.5 5 7 7-7 7",
  close: "m6 6 12 12M18 6 6 18",
  down: "m6 9.5 6 6 6-6",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
  copy: "M9 9h10.5v10.5H9ZM5.5 15H4.5V4.5H15v1",
  auto: "M12 3.5a8.5 8.5 0 1 0 0 17ZM12 3.5a8.5 8.5 0 0 1 0 17",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  dark: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
} as const;

export type ActionIcon = keyof typeof ACTION_PATHS;

function Drawing({ path, dots }: { path: string; dots?: boolean }) {
  return (
    <svg class={dots ? "icon icon-dots" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

export function StageIcon({ name }: { name: string }) {
  return <Drawing path={STAGE_PATHS[name] ?? STAGE_PATHS["unknown"] ?? ""} dots={name === "dialpad"} />;
}

export function Icon({ name }: { name: ActionIcon }) {
  return <Drawing path={ACTION_PATHS[name]} />;
}
