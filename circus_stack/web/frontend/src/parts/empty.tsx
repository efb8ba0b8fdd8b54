import type { ComponentChildren } from "preact";

/** What stands where there is nothing: why, and what to do. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Waiting() {
  return <p class="waiting" aria-busy="true">Loading…</p>;
}

export function Failure({ text }: { text: string }) {
  return <p class="failure" role="alert">{text}</p>;
}
