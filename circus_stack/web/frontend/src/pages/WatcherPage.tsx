// One watcher: its graphs, its processes, and all that can be done to it.
import { ofWatcher, post, remove } from "../api";
import { useMay } from "../caller";
import { bytes, millis, percent, rate, span } from "../format";
import { Act } from "../parts/Act";
import { Graph } from "../parts/Graph";
import { Empty, Failure, Waiting } from "../parts/Notice";
import { State } from "../parts/State";
import { usePolled } from "../polled";
import { linkTo } from "../route";
import type { History, Process, Snapshot, Watcher } from "../shapes";
import { Options } from "./Options";
import { trouble } from "./Overview";

export function WatcherPage({ name }: { name: string }) {
  const watcher = usePolled<Watcher>(ofWatcher(name), 2000);
  const figures = usePolled<Snapshot>("/figures", 2000);
  if (watcher.value === null) return <Waiting error={watcher.error} />;
  const found = watcher.value;
  const wrong = trouble(found);
  return (
    <>
      <h1>
        {found.name} <State word={found.state} />
      </h1>
      <Failure error={watcher.error} />
      {wrong !== "" && (
        <p class="failure" role="alert">
          {wrong}
        </p>
      )}
      {found.detail !== "" && <p class="quiet">{found.detail}</p>}
      {Object.keys(found.waits_for).length > 0 && <p>Waits for {Object.keys(found.waits_for).join(", ")}.</p>}
      <p>
        {found.ready} of {found.numprocesses} processes serve. <a href={`${linkTo("logs", found.name)}`}>Its log</a>
      </p>
      <Acts watcher={found} changed={watcher.refresh} />
      <Graphs name={found.name} />
      <Processes watcher={found} figures={figures.value} changed={watcher.refresh} />
      <Options name={found.name} />
    </>
  );
}

function Acts({ watcher, changed }: { watcher: Watcher; changed: () => void }) {
  const operates = useMay("operate");
  const owns = useMay("admin");
  const { name } = watcher;
  const to = (command: string) => () => post(ofWatcher(name, `/${command}?wait=true`));
  if (!operates) return null;
  return (
    <div class="acts" role="group" aria-label={`Change ${name}`}>
      <Act label="Start" act={to("start")} done={changed} />
      <Act label="Stop" ask={`Stop ${name}?`} act={to("stop")} done={changed} />
      <Act label="Restart" ask={`Restart ${name}? It does not serve meanwhile.`} act={to("restart")} done={changed} />
      <Act label="Reload" act={to("reload")} done={changed} />
      <Act label="One more" act={to("incr")} done={changed} />
      <Act label="One fewer" act={to("decr")} done={changed} />
      {owns && (
        <Act
          label="Remove"
          ask={`Stop ${name} and remove it?`}
          act={() => remove(ofWatcher(name, "?wait=true"))}
          done={() => {
            location.hash = linkTo("overview");
          }}
        />
      )}
    </div>
  );
}

function Graphs({ name }: { name: string }) {
  const history = usePolled<History>(`/history?since=15m&watcher=${encodeURIComponent(name)}`, 5000);
  if (history.value === null) return null;
  const { times, columns } = history.value;
  return (
    <section class="graphs" aria-label="The last 15 minutes">
      <Graph label="CPU" times={times} values={columns.cpu ?? []} shown={percent} />
      <Graph label="Memory" times={times} values={columns.rss ?? []} shown={bytes} />
      <Graph label="Requests/s" times={times} values={columns.rps ?? []} shown={rate} />
      <Graph label="p99" times={times} values={columns.p99 ?? []} shown={millis} />
    </section>
  );
}

function Processes({ watcher, figures, changed }: { watcher: Watcher; figures: Snapshot | null; changed: () => void }) {
  const operates = useMay("operate");
  if (watcher.processes.length === 0) return <Empty>It has no processes now.</Empty>;
  const row = (each: Process) => {
    const own = figures?.processes[String(each.pid)]?.figures;
    return (
      <tr key={each.pid}>
        <th scope="row">{each.pid}</th>
        <td>
          <State word={each.state} />
        </td>
        <td>{span(Date.now() / 1000 - each.started)}</td>
        <td>{percent(own?.cpu)}</td>
        <td>{bytes(own?.rss)}</td>
        <td>{rate(own?.rps)}</td>
        {operates && (
          <td>
            <Act
              label="Kill"
              name={`Kill ${each.pid}`}
              ask={`Send TERM to ${each.pid}?`}
              act={() => post(ofWatcher(watcher.name, "/signal"), { signal: "TERM", pid: each.pid })}
              done={changed}
            />
          </td>
        )}
      </tr>
    );
  };
  return (
    <section>
      <h2>Processes</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Processes">
        <table>
          <thead>
            <tr>
              {["PID", "State", "Up for", "CPU", "Memory", "Requests/s", ...(operates ? ["Change"] : [])].map((each) => (
                <th scope="col" key={each}>
                  {each}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{watcher.processes.map(row)}</tbody>
        </table>
      </div>
    </section>
  );
}
