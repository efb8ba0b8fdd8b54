/** Numbers as people read them. What nobody knows is a dash. */

const UNITS = ["B", "K", "M", "G", "T"];

export function bytes(value: number | null | undefined): string {
  if (value == null) return "–";
  let rest = value;
  let unit = 0;
  while (rest >= 1000 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest >= 100 || unit === 0 ? rest.toFixed(0) : rest.toFixed(1)}${UNITS[unit]}`;
}

export function percent(value: number | null | undefined): string {
  return value == null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)}%`;
}

export function rate(value: number | null | undefined): string {
  return value == null ? "–" : value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** Seconds, as a request takes them. */
export function latency(value: number | null | undefined): string {
  if (value == null) return "–";
  return value < 1 ? `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
}

/** A span of seconds: the two largest units of it. */
export function span(seconds: number | null | undefined): string {
  if (seconds == null) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** Seconds since the epoch, as the time of day here. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { hour12: false });
}

/** A value of an option, as a person would write it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
