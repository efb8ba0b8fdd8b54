// What surrounds every page: the way to the others, whose stack this is, and whether what one sees is still true.
import type { ComponentChildren } from "preact";
import { useContext, useState } from "preact/hooks";
import { logOut } from "./api";
import { Caller } from "./caller";
import { State } from "./parts/State";
import { usePolled } from "./polled";
import { linkTo } from "./route";
import type { StackSummary } from "./shapes";
import { type Theme, setTheme, theme } from "./theme";

const PAGES: [string, string][] = [
  ["overview", "Overview"],
  ["logs", "Logs"],
  ["config", "Configuration"],
  ["sockets", "Sockets"],
  ["nodes", "Nodes"],
  ["add", "Add watcher"],
];

export function Shell({ page, onLeft, children }: { page: string; onLeft: () => void; children: ComponentChildren }) {
  const login = useContext(Caller);
  const stack = usePolled<StackSummary>("/stack", 3000);
  const [chosen, choose] = useState<Theme>(theme());
  const leave = async (): Promise<void> => {
    try {
      await logOut();
    } finally {
      onLeft();
    }
  };
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => skip(event)}>
        To the content
      </a>
      <header>
        <a class="brand" href={linkTo("overview")}>
          circus-stack
        </a>
        {stack.value !== null && stack.error === null && <State word={stack.value.state} />}
        <nav aria-label="Pages">
          {PAGES.map(([each, label]) => (
            <a key={each} href={linkTo(each)} aria-current={each === page ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <label class="theme">
          <span class="hidden">Colours</span>
          <select
            value={chosen}
            onChange={(event) => {
              const wanted = event.currentTarget.value as Theme;
              setTheme(wanted);
              choose(wanted);
            }}
          >
            <option value="system">as the system</option>
            <option value="light">light</option>
            <option value="dark">dark</option>
          </select>
        </label>
        <button type="button" onClick={() => void leave()}>
          Log out {login.user}
        </button>
      </header>
      {stack.error !== null && (
        <p class="stale" role="alert">
          {stack.value === null ? "Nothing to show yet" : "What you see is old"}: {stack.error.message}. Trying again …
        </p>
      )}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function skip(event: MouseEvent): void {
  // The # of the address names pages.
  event.preventDefault();
  document.getElementById("content")?.focus();
}
