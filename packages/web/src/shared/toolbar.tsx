/** Fields of a view's toolbar. Each shows the value in the URL, no matter what changed it: the field, a link or the back button. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const TYPING_MS = 250;

interface SearchFieldProps {
  label: string;
  placeholder?: string;
  /** The value in the URL. */
  value: string | undefined;
  /** Called after a pause in typing, or when the field is left. */
  onSearch: (text: string) => void;
}

export function SearchField({ label, placeholder = label, value = "", onSearch }: SearchFieldProps) {
  /** Typed text that has not been searched for yet; null: the value in the URL applies. */
  const typed = useSignal<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const forget = (): void => {
    clearTimeout(timer.current);
    typed.value = null;
  };
  const search = (): void => {
    const text = typed.peek();
    forget();
    if (text !== null) onSearch(text);
  };
  useEffect(() => forget, []);
  return (
    <input
      type="search"
      placeholder={placeholder}
      aria-label={label}
      value={typed.value ?? value}
      onInput={(event) => {
        typed.value = event.currentTarget.value;
        clearTimeout(timer.current);
        timer.current = setTimeout(search, TYPING_MS);
      }}
      onBlur={search}
    />
  );
}

interface SelectFieldProps {
  label: string;
  value: string | undefined;
  /** Values with their texts; an empty value means no choice. */
  options: readonly (readonly [value: string, text: string])[];
  onChoose: (value: string) => void;
}

export function SelectField({ label, value = "", options, onChoose }: SelectFieldProps) {
  return (
    <label>
      <span class="unseen">{label}</span>
      <select class="button" value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
