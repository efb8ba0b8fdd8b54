/** Where in the console one is: the part of the address behind #, so that every address of it is one file. */

import { signal } from "@preact/signals";

export interface Route {
  page: string;
  name: string;
  query: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page = "", name = ""] = path.split("/");
  return { page: page || "overview", name: safelyDecoded(name), query: new URLSearchParams(query) };
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());

addEventListener("hashchange", () => {
  route.value = read();
});

export function link(page: string, name?: string): string {
  return name === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(name)}`;
}

export function go(page: string, name?: string): void {
  location.hash = link(page, name);
}
