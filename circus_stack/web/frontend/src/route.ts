// Which page is shown: it stands behind the # of the address, which no server ever sees.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  page: string;
  name: string;
  query: URLSearchParams;
}

/** `#/watchers/web?x=1` -> page watchers, name web. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", ...rest] = path.split("/");
  return { page: page || "overview", name: decoded(rest.join("/")), query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const linkTo = (page: string, name = ""): string => `#/${page}${name && `/${encodeURIComponent(name)}`}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(parse(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
