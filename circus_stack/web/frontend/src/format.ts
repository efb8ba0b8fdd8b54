// Numbers into words. Pure; what is not known is a dash.

const UNKNOWN = "–";

export function percent(value: number | null | undefined): string {
  return value == null ? UNKNOWN : `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null) return UNKNOWN;
  const units = ["B", "K", "M", "G", "T"];
  let left = value;
  let unit = 0;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${unit === 0 || left >= 10 ? left.toFixed(0) : left.toFixed(1)} ${units[unit]}`;
}

export function rate(value: number | null | undefined): string {
  return value == null ? UNKNOWN : value < 10 ? value.toFixed(1) : value.toFixed(0);
}

export function millis(seconds: number | null | undefined): string {
  if (seconds == null) return UNKNOWN;
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}

export function span(seconds: number | null | undefined): string {
  if (seconds == null) return UNKNOWN;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

export function clock(seconds: number): string {
  return new Date(seconds * 1000).toTimeString().slice(0, 8);
}

/** A value of an option, as one types it. */
export function plain(value: unknown): string {
  if (value == null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function count(value: number | null | undefined): string {
  return value == null ? UNKNOWN : String(value);
}
