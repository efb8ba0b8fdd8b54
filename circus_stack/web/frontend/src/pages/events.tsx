import { useState } from "preact/hooks";
import { events, type StackEvent } from "../live";
import { clock, shown } from "../format";
import { Empty } from "../parts/empty";
import { link } from "../route";

const PLAIN = new Set(["seq", "time", "watcher", "topic"]);
const BAD = /fail|flap|hung|unhealthy|dropped|timeout|exceeded|backoff/;

/** What an event says beside its name, in a line. */
export function reasonOf(event: StackEvent): string {
  return Object.entries(event)
    .filter(([key, value]) => !PLAIN.has(key) && value !== null && value !== "")
    .map(([key, value]) => (key === "reason" ? shown(value) : `${key} ${brief(value)}`))
    .join(", ");
}

/** What has happened, the newest first. */
export function Events() {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase();
  const found = events.value.filter((each) => `${each.watcher} ${each.topic} ${reasonOf(each)}`.toLowerCase().includes(words));
  return (
    <>
      <h1>Events</h1>
      <div class="row">
        <label>Search <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} /></label>
        <span class="detail">{found.length} of {events.value.length}</span>
      </div>
      {found.length === 0 ? <Empty>No event {search ? "fits this search" : "has come yet"}.</Empty> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Events">
          <table>
            <thead><tr><th scope="col">Time</th><th scope="col">Watcher</th><th scope="col">Event</th><th scope="col">Why</th></tr></thead>
            <tbody>
              {[...found].reverse().slice(0, 500).map((each) => (
                <tr key={each.seq} class={BAD.test(each.topic) ? "bad" : ""}>
                  <td><time>{clock(each.time)}</time></td>
                  <td><a href={link("watcher", each.watcher)}>{each.watcher}</a></td>
                  <td>{each.topic}</td>
                  <td class="detail">{reasonOf(each)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** As `shown`, of a fraction three digits: nobody reads the nanoseconds of a start. */
function brief(value: unknown): string {
  return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(3))) : shown(value);
}
