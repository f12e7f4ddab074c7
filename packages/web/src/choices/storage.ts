/** What this browser stores. When its storage is switched off, a choice lasts as long as the page. */

export function stored<T extends string>(key: string, isOne: (value: string) => value is T, fallback: T): T {
  try {
    const value = localStorage.getItem(key);
    return value !== null && isOne(value) ? value : fallback;
  } catch {
    // Storage is switched off.
    return fallback;
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}

export function storedJson<T>(key: string, isOne: (value: unknown) => value is T, fallback: T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return isOne(value) ? value : fallback;
  } catch {
    // As above, or written by another version.
    return fallback;
  }
}
