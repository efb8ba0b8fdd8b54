import type { Watcher } from "../api";

/** How a watcher does, in one word: what is wrong wins over what is right. */
export function conditionOf(watcher: Watcher): "ok" | "busy" | "bad" | "off" {
  if (watcher.state === "failed" || watcher.health?.state === "unhealthy") return "bad";
  if (watcher.failures > 0 || Object.keys(watcher.degraded_by).length > 0) return "bad";
  if (watcher.state === "stopped") return "off";
  if (watcher.state !== "active" || watcher.ready < watcher.numprocesses) return "busy";
  return "ok";
}

const SIGNS = { ok: "●", busy: "◐", bad: "▲", off: "○" };

/** A sign and the word: never colour alone. */
export function State({ watcher }: { watcher: Watcher }) {
  const condition = conditionOf(watcher);
  return (
    <span class={`state ${condition}`}>
      <span aria-hidden="true">{SIGNS[condition]}</span> {watcher.state}
    </span>
  );
}
