import { useEffect, useRef, useState } from "preact/hooks";
import { address } from "../api";
import { levelOf, spans } from "../ansi";
import { followLogs, watchers, type LogRow } from "../live";
import { clock } from "../format";
import { Empty } from "../parts/empty";
import { go } from "../route";

const KEPT = 20000;
const LINE_PX = 18;
const SPARE = 20;
const LEVELS = ["debug", "info", "warning", "error", "critical"];

/** What has come, outside of what is drawn: lines come faster than a page can be drawn. */
class Buffer {
  rows: LogRow[] = [];
  dropped = 0;
  private newest = -1;

  take(lines: LogRow[], dropped: number, isFirst: boolean): void {
    this.dropped += dropped;
    if (isFirst) {
      // What follows may have come before it.
      const until = lines.at(-1)?.[0] ?? -1;
      this.rows = [...lines, ...this.rows.filter((row) => row[0] > until)];
      this.newest = this.rows.at(-1)?.[0] ?? -1;
      return;
    }
    for (const row of lines) {
      // The last lines and those that follow may overlap.
      if (row[0] <= this.newest) continue;
      this.newest = row[0];
      this.rows.push(row);
    }
    if (this.rows.length > KEPT) this.rows = this.rows.slice(-KEPT);
  }
}

/** `slot` is the number of a process within its watcher, which its successor takes over; 0: any. */
interface Filter {
  slot: number;
  stream: string;
  level: string;
  text: string;
}

function fits(row: LogRow, { slot, stream, level, text }: Filter): boolean {
  if (slot && row[3] !== slot) return false;
  if (stream && row[5] !== stream) return false;
  if (level && LEVELS.indexOf(levelOf(row[6])) < LEVELS.indexOf(level)) return false;
  return !text || row[6].toLowerCase().includes(text.toLowerCase());
}

function slotsOf(name: string): number[] {
  const found = watchers.value?.find((each) => each.name.toLowerCase() === name.toLowerCase());
  return [...new Set(found?.processes.map((each) => each.wid))].sort((one, other) => one - other);
}

function Line({ row, at }: { row: LogRow; at: number }) {
  return (
    <div class={`line ${row[5]}`} role="listitem" style={{ top: `${at * LINE_PX}px` }}>
      <time>{clock(row[1])}</time> <b>{row[2]}.{row[3]}</b>{" "}
      {spans(row[6]).map((each, index) => <span key={index} class={each.classes}>{each.text}</span>)}
    </div>
  );
}

/** Live lines of a watcher, or of all. Only what is in sight is drawn. */
export function Logs({ name }: { name: string }) {
  const buffer = useRef(new Buffer());
  const place = useRef<HTMLDivElement>(null);
  const [, draw] = useState(0);
  const [filter, setFilter] = useState<Filter>({ slot: 0, stream: "", level: "", text: "" });
  const [isPaused, setPaused] = useState(false);
  const [scroll, setScroll] = useState(0);
  const paused = useRef<LogRow[] | null>(null);
  const isAtEnd = useRef(true);

  useEffect(() => {
    buffer.current = new Buffer();
    setFilter((before) => ({ ...before, slot: 0 }));
    let frame = 0;
    followLogs(name || null, (told) => {
      buffer.current.take(told.lines, told.dropped, told.is_first ?? false);
      if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw((count) => count + 1); });
    });
    return () => {
      cancelAnimationFrame(frame);
      followLogs(undefined, () => undefined);
    };
  }, [name]);

  const rows = (paused.current ?? buffer.current.rows).filter((row) => fits(row, filter));
  useEffect(() => {
    const element = place.current;
    if (element && isAtEnd.current && !isPaused) element.scrollTop = element.scrollHeight;
  });
  const height = place.current?.clientHeight ?? 600;
  const first = Math.max(0, Math.floor(scroll / LINE_PX) - SPARE);
  const last = Math.min(rows.length, Math.ceil((scroll + height) / LINE_PX) + SPARE);
  const pause = () => {
    paused.current = isPaused ? null : [...buffer.current.rows];
    setPaused(!isPaused);
  };
  const query = new URLSearchParams({ format: "text", lines: "10000", ...(name ? { watcher: name } : {}) });
  return (
    <>
      <h1>Logs</h1>
      <div class="row">
        <label>
          Watcher{" "}
          <select value={name} onChange={(event) => go("logs", event.currentTarget.value)}>
            <option value="">all</option>
            {(watchers.value ?? []).map((each) => <option key={each.name} value={each.name}>{each.name}</option>)}
          </select>
        </label>
        {name && (
          <label>
            Process{" "}
            <select value={filter.slot} onChange={(event) => setFilter({ ...filter, slot: Number(event.currentTarget.value) })}>
              <option value={0}>all</option>
              {slotsOf(name).map((slot) => <option key={slot} value={slot}>{name}.{slot}</option>)}
            </select>
          </label>
        )}
        <label>
          Stream{" "}
          <select value={filter.stream} onChange={(event) => setFilter({ ...filter, stream: event.currentTarget.value })}>
            <option value="">both</option><option>stdout</option><option>stderr</option>
          </select>
        </label>
        <label>
          Level{" "}
          <select value={filter.level} onChange={(event) => setFilter({ ...filter, level: event.currentTarget.value })}>
            <option value="">any</option>
            {LEVELS.map((each) => <option key={each} value={each}>{each} and above</option>)}
          </select>
        </label>
        <label>Search <input type="search" value={filter.text} onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })} /></label>
        <button type="button" aria-pressed={isPaused} onClick={pause}>{isPaused ? "Go on" : "Pause"}</button>
        <a href={address(`api/v1/logs?${query}`)} download>Download</a>
        <span class="detail">{rows.length} lines{buffer.current.dropped ? `, ${buffer.current.dropped} left out` : ""}</span>
      </div>
      <div class="logs" ref={place} tabIndex={0} role={rows.length ? "list" : "region"} aria-label="Lines"
        onScroll={(event) => {
          const element = event.currentTarget;
          isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < LINE_PX * 2;
          setScroll(element.scrollTop);
        }}>
        <div class="lines" style={{ height: `${rows.length * LINE_PX}px` }}>
          {rows.slice(first, last).map((row, index) => <Line key={`${row[0]}`} row={row} at={first + index} />)}
        </div>
        {rows.length === 0 && <Empty>{buffer.current.rows.length ? "No line fits." : "Nothing was written yet."}</Empty>}
      </div>
    </>
  );
}
