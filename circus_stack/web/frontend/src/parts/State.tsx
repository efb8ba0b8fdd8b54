// The state of a watcher, a process, a stack or a job, as a word with a dot; only what is wrong is red.
const KINDS: Record<string, string> = {
  active: "good",
  ready: "good",
  up: "good",
  done: "good",
  starting: "busy",
  stopping: "busy",
  running: "busy",
  queued: "busy",
  failed: "bad",
  degraded: "bad",
};

export function State({ word }: { word: string }) {
  return <span class={`state ${KINDS[word] ?? "off"}`}>{word}</span>;
}
