// What processes wrote last: of all or of one watcher, searched, stopped, taken away as a file.
import { useEffect, useRef, useState } from "preact/hooks";
import { bare, pieces } from "../ansi";
import { clock } from "../format";
import { Empty, Failure, Waiting } from "../parts/Notice";
import { usePolled } from "../polled";
import type { LogLine, Watcher } from "../shapes";

const EVERY_MS = 1000;
// What a browser lays out at each round without anybody noticing.
const LINES = 500;

export function Logs({ name }: { name: string }) {
  const watchers = usePolled<Watcher[]>("/watchers", 10_000);
  const [watcher, setWatcher] = useState(name);
  const [stream, setStream] = useState("");
  const [search, setSearch] = useState("");
  const [held, setHeld] = useState<LogLine[] | null>(null);
  const query = `${watcher && `&watcher=${encodeURIComponent(watcher)}`}${stream && `&stream=${stream}`}`;
  const lines = usePolled<LogLine[]>(`/logs?lines=${LINES}${query}`, EVERY_MS);
  const shown = held ?? lines.value;
  useEffect(() => setHeld(null), [query]);
  return (
    <>
      <h1>Logs</h1>
      <div class="tools" role="group" aria-label="What is shown">
        <label>
          Watcher{" "}
          <select value={watcher} onChange={(event) => setWatcher(event.currentTarget.value)}>
            <option value="">all</option>
            {(watchers.value ?? []).map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Stream{" "}
          <select value={stream} onChange={(event) => setStream(event.currentTarget.value)}>
            <option value="">both</option>
            <option value="stdout">stdout</option>
            <option value="stderr">stderr</option>
          </select>
        </label>
        <label>
          Search <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        <button type="button" aria-pressed={held !== null} onClick={() => setHeld(held === null ? lines.value : null)}>
          {held === null ? "Pause" : "Go on"}
        </button>
        <a href={`api/v1/logs?format=text&lines=${LINES}${query}`} download>
          Download
        </a>
      </div>
      {shown !== null && <Failure error={lines.error} />}
      {shown === null ? <Waiting error={lines.error} /> : <Lines lines={found(shown, search)} />}
    </>
  );
}

function found(lines: LogLine[], search: string): LogLine[] {
  const wanted = search.toLowerCase();
  return wanted === "" ? lines : lines.filter((each) => bare(each.data).toLowerCase().includes(wanted));
}

function Lines({ lines }: { lines: LogLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    const element = box.current;
    // Who has scrolled up reads, and is left alone.
    if (element !== null && follows.current) element.scrollTop = element.scrollHeight;
  }, [lines]);
  if (lines.length === 0) return <Empty>No line to show.</Empty>;
  const scrolled = (event: Event): void => {
    const element = event.currentTarget as HTMLDivElement;
    follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  };
  return (
    <div class="log" ref={box} onScroll={scrolled} tabIndex={0} role="region" aria-label="Lines">
      {lines.map((each) => (
        <div key={each.seq} class={each.stream}>
          <time>{clock(each.time)}</time>{" "}
          <span class="from">
            {each.watcher} {each.pid}
          </span>{" "}
          {pieces(each.data).map((piece) => (
            <span class={piece.classes}>{piece.text}</span>
          ))}
        </div>
      ))}
    </div>
  );
}
