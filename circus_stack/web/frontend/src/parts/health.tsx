import type { Health } from "../api";
import { clock } from "../format";

const SIGNS = { healthy: ["ok", "●"], unhealthy: ["bad", "▲"], unknown: ["busy", "◐"] } as const;

/** What the probe of a watcher, or of one process, found last. */
export function HealthText({ health }: { health: Health }) {
  const [condition, sign] = SIGNS[health.state];
  return (
    <>
      <span class={`state ${condition}`}><span aria-hidden="true">{sign}</span> {health.state}</span>
      {health.checked_at !== null && <span class="detail"> asked at {clock(health.checked_at)}</span>}
      {health.failures > 0 && <span class="detail">, {health.failures} {health.failures === 1 ? "failure" : "failures"} in a row</span>}
      {health.failed_at !== null && health.error && <span class="detail">; at {clock(health.failed_at)}: {health.error}</span>}
    </>
  );
}
