import { useEffect, useState } from "preact/hooks";
import { logOut, session, whoAmI } from "./api";
import { connect, connection, disconnect, heardAt, isStale, publishers, trouble } from "./live";
import { Notices, Question } from "./parts/act";
import { Waiting } from "./parts/empty";
import { Add } from "./pages/add";
import { Config } from "./pages/config";
import { Events } from "./pages/events";
import { Login } from "./pages/login";
import { Logs } from "./pages/logs";
import { Overview } from "./pages/overview";
import { Nodes, Sockets } from "./pages/places";
import { WatcherPage } from "./pages/watcher";
import { span } from "./format";
import { link, route } from "./route";

const PAGES = [
  ["overview", "Overview"],
  ["logs", "Logs"],
  ["events", "Events"],
  ["config", "Configuration"],
  ["add", "Add"],
  ["sockets", "Sockets"],
  ["nodes", "Nodes"],
] as const;

function Page() {
  const { page, name } = route.value;
  switch (page) {
    case "watcher": return <WatcherPage key={name} name={name} />;
    case "logs": return <Logs key={name} name={name} />;
    case "events": return <Events />;
    case "config": return <Config />;
    case "add": return <Add />;
    case "sockets": return <Sockets />;
    case "nodes": return <Nodes />;
    default: return <Overview />;
  }
}

/** What is wrong with what is shown: said above everything else. */
function Banner() {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  let text = "";
  if (connection.value === "lost") text = "The connection to the console is lost; it is tried again.";
  else if (publishers.value.arbiter === "lost") text = `The arbiter does not answer. ${trouble.value}`;
  else if (publishers.value.stats === "lost") text = "There are no live figures: circusd-stats does not run, or does not answer.";
  else if (isStale(now)) text = `The figures are ${span(now - heardAt.value)} old.`;
  return text ? <p class="banner" role="alert">{text}</p> : null;
}

type Theme = "" | "light" | "dark";

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>((localStorage.getItem("theme") as Theme | null) ?? "");
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem("theme", theme);
  }, [theme]);
  return (
    <select aria-label="Colours" value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
      <option value="">as the system</option><option value="light">light</option><option value="dark">dark</option>
    </select>
  );
}

export function App() {
  const who = session.value;
  useEffect(() => { void whoAmI(); }, []);
  useEffect(() => {
    if (who) connect();
    else disconnect();
  }, [who?.csrf]);
  if (who === undefined) return <Waiting />;
  if (who === null) return <Login />;
  const here = route.value.page === "watcher" ? "overview" : route.value.page;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("main")?.focus(); }}>
        To the content
      </a>
      <header>
        <a class="brand" href={link("overview")}>circus-stack</a>
        <nav aria-label="Pages">
          {PAGES.map(([page, title]) => (
            <a key={page} href={link(page)} aria-current={page === here ? "page" : undefined}>{title}</a>
          ))}
        </nav>
        <span class="who">
          <ThemeChoice /> {who.user} ({who.role})
          <button type="button" onClick={() => void logOut()}>Log out</button>
        </span>
      </header>
      <Banner />
      <main tabIndex={-1}><Page /></main>
      <Notices />
      <Question />
    </>
  );
}
