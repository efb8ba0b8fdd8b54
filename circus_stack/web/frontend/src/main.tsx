// The whole page: who is logged in, and which page is shown.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, whenLoggedOut, whoami } from "./api";
import { Caller } from "./caller";
import { AddWatcher } from "./pages/AddWatcher";
import { Config } from "./pages/Config";
import { Login } from "./pages/Login";
import { Logs } from "./pages/Logs";
import { Nodes } from "./pages/Nodes";
import { Overview } from "./pages/Overview";
import { Sockets } from "./pages/Sockets";
import { WatcherPage } from "./pages/WatcherPage";
import { Empty, Waiting } from "./parts/Notice";
import { linkTo, type Route, useRoute } from "./route";
import { Shell } from "./Shell";
import type { Login as Session } from "./shapes";
import "./style.css";
import { showTheme } from "./theme";

const AGAIN_MS = 2000;

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "overview":
      return <Overview />;
    case "watchers":
      return <WatcherPage key={route.name} name={route.name} />;
    case "logs":
      return <Logs key={route.name} name={route.name} />;
    case "config":
      return <Config />;
    case "sockets":
      return <Sockets />;
    case "nodes":
      return <Nodes />;
    case "add":
      return <AddWatcher />;
    default:
      return (
        <Empty>
          There is no such page. <a href={linkTo("overview")}>To the overview</a>
        </Empty>
      );
  }
}

function App() {
  const route = useRoute();
  // undefined: not known yet.
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    whenLoggedOut(() => setSession(null));
    let timer = 0;
    const find = async (): Promise<void> => {
      try {
        setSession(await whoami());
      } catch (problem) {
        setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
        timer = setTimeout(find, AGAIN_MS);
      }
    };
    void find();
    return () => clearTimeout(timer);
  }, []);
  const link = route.page === "login" ? route.query.get("link") : null;
  const begin = (begun: Session): void => {
    if (route.page === "login") location.hash = linkTo("overview");
    setSession(begun);
  };
  if (session === undefined) return <Waiting error={error} />;
  if (session === null || link !== null) return <Login link={link} onDone={begin} />;
  return (
    <Caller.Provider value={session}>
      <Shell page={route.page} onLeft={() => setSession(null)}>
        <Page route={route.page === "login" ? { ...route, page: "overview" } : route} />
      </Shell>
    </Caller.Provider>
  );
}

showTheme();
render(<App />, document.getElementById("app") as HTMLElement);
