import { useSignal } from "@preact/signals";
import { Icon } from "./icons.js";

/** Copies a text and shows whether it worked. `text` is called only when the button is pressed. */
export function CopyButton({ what, text, wide = false }: { what: string; text: () => string; wide?: boolean }) {
  const outcome = useSignal<"" | "Copied" | "Not copied">("");
  const copy = async (event: MouseEvent): Promise<void> => {
    const button = event.currentTarget as HTMLElement;
    outcome.value = (await write(text(), button)) ? "Copied" : "Not copied";
    setTimeout(() => (outcome.value = ""), 1_500);
  };
  const label = outcome.value || `Copy ${what}`;
  return (
    <button
      type="button"
      class={wide ? "button quiet" : "copy"}
      aria-label={label}
      title={label}
      onClick={(event) => void copy(event)}
    >
      <Icon name="copy" />
      {wide ? label : outcome.value !== "" && <span class="copy-outcome">{outcome.value}</span>}
    </button>
  );
}

async function write(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard is missing over plain HTTP, or not allowed: use the old way, inside the dialog, as all else is inert.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    (near.closest("dialog") ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    near.focus();
    return isCopied;
  }
}
