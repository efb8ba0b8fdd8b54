import { figures, sockets, stack, trails, watchers, events, trouble, type Figures } from "../live";
import { bytes, clock, latency, percent, rate } from "../format";
import { conditionOf, State } from "../parts/state";
import { Empty, Failure, Waiting } from "../parts/empty";
import { Sparkline } from "../parts/sparkline";
import { link } from "../route";
import { reasonOf } from "./events";
import type { Watcher } from "../api";

const LATELY = 12;
const RANK = { bad: 0, busy: 1, ok: 2, off: 3 };

function memoryOf(found: Figures | undefined | null): number | null {
  return found?.pss ?? found?.rss ?? null;
}

function Tile({ label, value, isBad }: { label: string; value: string; isBad?: boolean }) {
  return (
    <div class={isBad ? "tile bad" : "tile"}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Row({ watcher }: { watcher: Watcher }) {
  const found = figures.value[watcher.name];
  const trail = trails.value[watcher.name];
  return (
    <tr class={conditionOf(watcher)}>
      <th scope="row"><a href={link("watcher", watcher.name)}>{watcher.name}</a></th>
      <td><State watcher={watcher} /></td>
      <td class="number">{watcher.ready}/{watcher.numprocesses}</td>
      <td class="number">{percent(found?.cpu)}</td>
      <td class="number">{bytes(memoryOf(found))}</td>
      <td class="number">{rate(found?.rps)}</td>
      <td class="number">{latency(found?.p99)}</td>
      <td class="number">{found?.busy ?? "–"}</td>
      <td class="number">{found?.restarts ?? "–"}</td>
      <td class="wide">{trail && <Sparkline values={trail.cpu} label={`CPU of ${watcher.name}, ${percent(found?.cpu)} now`} />}</td>
      <td class="wide detail">{watcher.detail}</td>
    </tr>
  );
}

/** The whole stack at a glance; what is wrong stands first. */
export function Overview() {
  const known = watchers.value;
  if (!known) return trouble.value ? <Failure text={trouble.value} /> : <Waiting />;
  const bad = known.filter((each) => conditionOf(each) === "bad");
  const sorted = [...known].sort((a, b) => RANK[conditionOf(a)] - RANK[conditionOf(b)]);
  const running = known.reduce((sum, each) => sum + each.running, 0);
  const all = stack.value;
  const waiting = sockets.value.filter((each) => (each.queued ?? 0) > 0 || (each.dropped ?? 0) > 0);
  const queued = sockets.value.reduce((sum, each) => sum + (each.queued ?? 0), 0);
  return (
    <>
      <h1>Overview</h1>
      <dl class="tiles">
        <Tile label="State" value={bad.length ? `${bad.length} in trouble` : "All well"} isBad={bad.length > 0} />
        <Tile label="Processes" value={String(running)} />
        <Tile label="CPU" value={percent(all?.cpu)} />
        <Tile label="Memory" value={bytes(memoryOf(all))} />
        <Tile label="Requests/s" value={rate(all?.rps)} />
        <Tile label="p99" value={latency(all?.p99)} />
        <Tile label="In queues" value={String(queued)} isBad={waiting.some((each) => (each.dropped ?? 0) > 0)} />
      </dl>
      {known.length === 0 ? (
        <Empty>This stack has no watcher yet. <a href={link("add")}>Add one</a>, or write it into the file and apply it.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Watchers">
          <table>
            <thead>
              <tr>
                <th scope="col">Watcher</th><th scope="col">State</th><th scope="col" class="number">Ready</th>
                <th scope="col" class="number">CPU</th><th scope="col" class="number">Memory</th>
                <th scope="col" class="number">Req/s</th><th scope="col" class="number">p99</th>
                <th scope="col" class="number">Busy</th><th scope="col" class="number">Restarts</th>
                <th scope="col" class="wide">CPU lately</th><th scope="col" class="wide">What to know</th>
              </tr>
            </thead>
            <tbody>{sorted.map((each) => <Row key={each.name} watcher={each} />)}</tbody>
          </table>
        </div>
      )}
      {waiting.length > 0 && (
        <p class="failure">
          {waiting.map((each) => `${each.name}: ${each.queued ?? 0} of ${each.limit ?? "?"} wait, ${each.dropped ?? 0} turned away`).join("; ")}
        </p>
      )}
      <h2>Lately</h2>
      {events.value.length === 0 ? <Empty>Nothing has happened since this console was started.</Empty> : (
        <ol class="lately">
          {events.value.slice(-LATELY).reverse().map((event) => (
            <li key={event.seq}>
              <time>{clock(event.time)}</time> <a href={link("watcher", event.watcher)}>{event.watcher}</a> {event.topic}{" "}
              <span class="detail">{reasonOf(event)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
