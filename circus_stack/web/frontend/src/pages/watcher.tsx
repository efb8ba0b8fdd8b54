import { useEffect, useState } from "preact/hooks";
import { ask, may, pathOf, type History, type OptionValue, type Watcher } from "../api";
import { bytes, clock, latency, percent, rate, shown, span } from "../format";
import { figures, followProcesses, processes, watchers } from "../live";
import { Act, attempt } from "../parts/act";
import { Empty, Waiting } from "../parts/empty";
import { Graph } from "../parts/graph";
import { HealthText } from "../parts/health";
import { State } from "../parts/state";
import { link } from "../route";
import { Relations } from "./relations";

const KEPT = 900;
const SPANS = ["15m", "6h", "7d"];

interface Series {
  times: number[];
  cpu: (number | null)[];
  rss: (number | null)[];
  rps: (number | null)[];
  p99: (number | null)[];
}

const EMPTY: Series = { times: [], cpu: [], rss: [], rps: [], p99: [] };

function useSeries(name: string, since: string): Series {
  const [series, setSeries] = useState(EMPTY);
  useEffect(() => {
    let isGone = false;
    setSeries(EMPTY);
    ask<History>("GET", `/history?watcher=${encodeURIComponent(name)}&since=${since}`)
      .then((found) => {
        const column = (key: string) => found.columns[key] ?? found.times.map(() => null);
        if (!isGone) setSeries({ times: found.times, cpu: column("cpu"), rss: column("rss"), rps: column("rps"), p99: column("p99") });
      })
      .catch(() => undefined);
    return () => { isGone = true; };
  }, [name, since]);
  const newest = figures.value[name];
  useEffect(() => {
    if (!newest || since !== "15m") return;
    const now = Math.floor(Date.now() / 1000);
    setSeries((before) => before.times.at(-1) === now ? before : {
      times: [...before.times.slice(1 - KEPT), now],
      cpu: [...before.cpu.slice(1 - KEPT), newest.cpu],
      rss: [...before.rss.slice(1 - KEPT), newest.rss],
      rps: [...before.rps.slice(1 - KEPT), newest.rps],
      p99: [...before.p99.slice(1 - KEPT), newest.p99],
    });
  }, [newest]);
  return series;
}

function Processes({ watcher }: { watcher: Watcher }) {
  const now = Date.now() / 1000;
  if (watcher.processes.length === 0) return <Empty>No process runs.</Empty>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Processes">
      <table>
        <thead>
          <tr>
            <th scope="col">Pid</th><th scope="col" class="number">Slot</th><th scope="col">State</th>
            <th scope="col" class="number">Age</th><th scope="col" class="number">CPU</th>
            <th scope="col" class="number">Memory</th><th scope="col" class="number">Req/s</th>
            <th scope="col" class="number">p99</th><th scope="col" class="number">Files</th><th scope="col">Signal</th>
          </tr>
        </thead>
        <tbody>
          {watcher.processes.map((each) => {
            const found = processes.value[each.pid];
            return (
              <tr key={each.pid}>
                <th scope="row">{each.pid}</th>
                <td class="number">{each.wid}</td>
                <td>{each.state} {each.health && <HealthText health={each.health} />}</td>
                <td class="number">{span(now - each.started)}</td>
                <td class="number">{percent(found?.cpu)}</td>
                <td class="number">{bytes(found?.pss ?? found?.rss)}</td>
                <td class="number">{rate(found?.rps)}</td>
                <td class="number">{latency(found?.p99)}</td>
                <td class="number">{found?.files ?? "–"}</td>
                <td><Signal watcher={watcher.name} pid={each.pid} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Signal({ watcher, pid }: { watcher: string; pid: number }) {
  const [name, setName] = useState("TERM");
  const send = () => ask("POST", `${pathOf(watcher)}/signal`, { signal: name, pid });
  return (
    <span class="row">
      <select aria-label={`Signal for ${pid}`} value={name} onChange={(event) => setName(event.currentTarget.value)}>
        {["TERM", "KILL", "HUP", "INT", "QUIT", "USR1", "USR2"].map((each) => <option key={each}>{each}</option>)}
      </select>
      <Act label="Send" role="operate" ask={`Send SIG${name} to ${pid} of ${watcher}?`} does={send} done={`SIG${name} was sent to ${pid}.`} />
    </span>
  );
}

/** The options of a watcher, and what loads them anew. */
function useOptions(name: string): [OptionValue[] | null, () => Promise<void>] {
  const [options, setOptions] = useState<OptionValue[] | null>(null);
  const load = () => ask<OptionValue[]>("GET", `${pathOf(name)}/options`).then(setOptions).catch(() => setOptions([]));
  useEffect(() => { void load(); }, [name]);
  return [options, load];
}

function Options({ name, options, load }: { name: string; options: OptionValue[] | null; load: () => Promise<void> }) {
  const [search, setSearch] = useState("");
  const [areAllShown, setAllShown] = useState(false);
  if (!options) return <Waiting />;
  const found = options.filter((each) => (areAllShown || search || !each.is_default) && `${each.name} ${each.help}`.toLowerCase().includes(search.toLowerCase()));
  return (
    <>
      <div class="row">
        <label>Search <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} /></label>
        <label class="check">
          <input type="checkbox" checked={areAllShown} onChange={(event) => setAllShown(event.currentTarget.checked)} /> also defaults
        </label>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Options">
        <table>
          <thead><tr><th scope="col">Option</th><th scope="col">Value</th><th scope="col">Default</th><th scope="col">Meaning</th><th scope="col">A change</th></tr></thead>
          <tbody>{found.map((each) => <Option key={each.name} watcher={name} option={each} changed={load} />)}</tbody>
        </table>
      </div>
    </>
  );
}

const EFFECTS: Record<string, string> = {
  apply: "at once",
  scale: "adds or takes processes",
  roll: "replaces the processes, new before old",
  rebind: "binds the socket anew",
  restart: "at the next start",
};

function Option({ watcher, option, changed }: { watcher: string; option: OptionValue; changed: () => Promise<void> }) {
  const [text, setText] = useState(shown(option.value));
  useEffect(() => setText(shown(option.value)), [option.value]);
  const isChanged = text !== shown(option.value);
  const save = (event: Event) => {
    event.preventDefault();
    void attempt(`${option.name} was set.`, async () => {
      await ask("PATCH", `${pathOf(watcher)}/options?wait=true`, { [option.name]: text });
      await changed();
    });
  };
  return (
    <tr>
      <th scope="row">{option.name}</th>
      <td>
        <form class="row" onSubmit={save}>
          <input aria-label={`Value of ${option.name}`} value={text} readOnly={!may("admin")} title={option.legal}
            onInput={(event) => setText(event.currentTarget.value)} />
          {isChanged && <button type="submit">Set</button>}
        </form>
      </td>
      <td class="detail">{shown(option.default)}</td>
      <td class="detail">{option.help}</td>
      <td class="detail">{EFFECTS[option.change] ?? ""}</td>
    </tr>
  );
}

/** One watcher: how it does, what it runs, and what can be done. */
export function WatcherPage({ name }: { name: string }) {
  const [since, setSince] = useState("15m");
  const known = watchers.value?.find((each) => each.name.toLowerCase() === name.toLowerCase());
  const series = useSeries(known?.name ?? name, since);
  const [options, load] = useOptions(known?.name ?? name);
  useEffect(() => {
    followProcesses(name);
    return () => followProcesses(null);
  }, [name]);
  if (!watchers.value) return <Waiting />;
  if (!known) return <Empty>There is no watcher of this name any more. <a href={link("overview")}>All watchers</a></Empty>;
  const post = (command: string, body: object = {}) => ask("POST", `${pathOf(known.name)}/${command}?wait=true`, body);
  return (
    <>
      <h1>{known.name}</h1>
      <p class="row"><State watcher={known} /> <span class="detail">{known.ready} of {known.numprocesses} ready. {known.detail}</span></p>
      <div class="row actions">
        <Act label="Start" role="operate" does={() => post("start")} done={`${known.name} was started.`} />
        <Act label="Reload" role="operate" does={() => post("reload")} done={`${known.name} was reloaded.`} />
        <Act label="Restart" role="operate" ask={`Stop all processes of ${known.name}, then start them? A reload loses no request.`}
          does={() => post("restart")} done={`${known.name} was restarted.`} />
        <Act label="Stop" role="operate" isDanger ask={`Stop ${known.name}?`} does={() => post("stop")} done={`${known.name} was stopped.`} />
        <Act label="One more" role="operate" does={() => post("incr")} done="One more." />
        <Act label="One fewer" role="operate" does={() => post("decr")} done="One fewer." />
        <a href={link("logs", known.name)}>Logs</a>
      </div>
      {known.failed && (
        <section class="failure" aria-label="Failure">
          <p>Given up at {clock(known.failed.since)}: {known.failed.reason}</p>
          <pre>{known.failed.lines.join("\n")}</pre>
        </section>
      )}
      <div class="row" role="group" aria-label="Time shown">
        {SPANS.map((each) => (
          <button key={each} type="button" aria-pressed={each === since} onClick={() => setSince(each)}>{each}</button>
        ))}
      </div>
      <div class="graphs">
        <Graph title="CPU" times={series.times} values={series.cpu} format={percent} />
        <Graph title="Memory" times={series.times} values={series.rss} format={bytes} />
        <Graph title="Requests/s" times={series.times} values={series.rps} format={rate} />
        <Graph title="p99" times={series.times} values={series.p99} format={latency} />
      </div>
      <h2>Processes</h2>
      <Processes watcher={known} />
      <h2>Dependencies and health</h2>
      <Relations watcher={known} options={options} />
      <h2>Options</h2>
      <Options name={known.name} options={options} load={load} />
    </>
  );
}
