// The whole stack at a glance: what is wrong first, then every watcher.
import { ofWatcher, post } from "../api";
import { useMay } from "../caller";
import { bytes, clock, count, millis, percent, rate } from "../format";
import { Act } from "../parts/Act";
import { Empty, Failure, Waiting } from "../parts/Notice";
import { State } from "../parts/State";
import { usePolled } from "../polled";
import { linkTo } from "../route";
import type { Job, Snapshot, Watcher } from "../shapes";

const EVERY_MS = 2000;
const LATELY = 8;

export function Overview() {
  const watchers = usePolled<Watcher[]>("/watchers", EVERY_MS);
  const figures = usePolled<Snapshot>("/figures", EVERY_MS);
  const jobs = usePolled<Job[]>("/jobs", EVERY_MS);
  if (watchers.value === null) return <Waiting error={watchers.error} />;
  const all = watchers.value;
  const stack = figures.value?.stack.figures;
  return (
    <>
      <h1>Overview</h1>
      <Failure error={watchers.error} />
      <Troubles watchers={all} />
      <dl class="figures">
        <Figure name="Watchers" value={String(all.length)} />
        <Figure name="Processes" value={String(all.reduce((sum, each) => sum + each.running, 0))} />
        <Figure name="CPU" value={percent(stack?.cpu)} />
        <Figure name="Memory" value={bytes(stack?.rss)} />
        <Figure name="Requests/s" value={rate(stack?.rps)} />
        <Figure name="p99" value={millis(stack?.p99)} />
      </dl>
      {figures.value === null && figures.error !== null && (
        <p class="quiet">No figures: {figures.error.message}</p>
      )}
      {all.length === 0 ? (
        <Empty>
          Nothing runs here yet. <a href={linkTo("add")}>Add a watcher</a>.
        </Empty>
      ) : (
        <Table watchers={all} figures={figures.value} changed={watchers.refresh} />
      )}
      <Lately jobs={jobs.value ?? []} />
    </>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Why a watcher is not well, or "". */
export function trouble(watcher: Watcher): string {
  if (watcher.state === "failed") return watcher.failed?.reason ?? watcher.detail ?? "failed";
  if (Object.keys(watcher.degraded_by).length > 0) return Object.entries(watcher.degraded_by).join("; ");
  return watcher.failures > 0 ? `${watcher.failures} failures lately` : "";
}

function Troubles({ watchers }: { watchers: Watcher[] }) {
  const found = watchers.filter((each) => trouble(each) !== "");
  if (found.length === 0) return null;
  return (
    <section class="troubles" role="alert" aria-label="What is wrong">
      {found.map((each) => (
        <p key={each.name}>
          <a href={linkTo("watchers", each.name)}>{each.name}</a> {trouble(each)}
        </p>
      ))}
    </section>
  );
}

interface TableProps {
  watchers: Watcher[];
  figures: Snapshot | null;
  changed: () => void;
}

function Table({ watchers, figures, changed }: TableProps) {
  const may = useMay("operate");
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Watchers">
      <table>
        <thead>
          <tr>
            <th scope="col">Watcher</th>
            <th scope="col">State</th>
            <th scope="col">Processes</th>
            <th scope="col">CPU</th>
            <th scope="col">Memory</th>
            <th scope="col">Requests/s</th>
            <th scope="col">p99</th>
            <th scope="col">Restarts</th>
            {may && <th scope="col">Change</th>}
          </tr>
        </thead>
        <tbody>
          {watchers.map((each) => (
            <Row key={each.name} watcher={each} stats={figures?.watchers[each.name]} changed={may ? changed : null} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  watcher: Watcher;
  stats: Snapshot["watchers"][string] | undefined;
  changed: (() => void) | null;
}

function Row({ watcher, stats, changed }: RowProps) {
  const { name } = watcher;
  return (
    <tr>
      <th scope="row">
        <a href={linkTo("watchers", name)}>{name}</a>
      </th>
      <td title={watcher.detail}>
        <State word={watcher.state} />
      </td>
      <td>
        {watcher.ready}/{watcher.numprocesses}
      </td>
      <td>{percent(stats?.figures.cpu)}</td>
      <td>{bytes(stats?.figures.rss)}</td>
      <td>{rate(stats?.figures.rps)}</td>
      <td>{millis(stats?.figures.p99)}</td>
      <td>{count(stats?.restarts)}</td>
      {changed !== null && (
        <td>
          {watcher.state === "stopped" || watcher.state === "failed" ? (
            <Act label="Start" name={`Start ${name}`} act={() => post(ofWatcher(name, "/start"))} done={changed} />
          ) : (
            <Act
              label="Stop"
              name={`Stop ${name}`}
              ask={`Stop ${name}?`}
              act={() => post(ofWatcher(name, "/stop"))}
              done={changed}
            />
          )}
        </td>
      )}
    </tr>
  );
}

function Lately({ jobs }: { jobs: Job[] }) {
  const newest = [...jobs].sort((a, b) => b.asked - a.asked).slice(0, LATELY);
  if (newest.length === 0) return null;
  return (
    <section>
      <h2>Asked for lately</h2>
      <ul class="jobs">
        {newest.map((job) => (
          <li key={job.id}>
            <time>{clock(job.asked)}</time> {job.command} {job.watchers.join(", ")} <State word={job.state} />
            {job.error !== null && <span class="failure"> {job.error}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
