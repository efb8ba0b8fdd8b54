// Light, dark, or what the system prefers: kept in the browser.
const KEY = "circus-stack.theme";

export type Theme = "system" | "light" | "dark";

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function setTheme(wanted: Theme): void {
  localStorage.setItem(KEY, wanted);
  showTheme();
}

export function showTheme(): void {
  document.documentElement.dataset.theme = theme();
}
