// What the API sends, as far as the page reads it. Types only; names are those of the OpenAPI document.

export type Role = "view" | "operate" | "admin";

export interface Login {
  user: string;
  role: Role;
  csrf: string | null;
  expires: number | null;
}

export interface StackSummary {
  version: string;
  endpoint: string;
  state: string;
  watchers: number;
  processes: number;
  has_statistics: boolean;
}

export interface Process {
  pid: number;
  wid: number;
  state: string;
  started: number;
  ready_at: number | null;
  generation: number;
}

export interface Watcher {
  name: string;
  state: string;
  detail: string;
  numprocesses: number;
  running: number;
  ready: number;
  failures: number;
  waits_for: Record<string, string>;
  degraded_by: Record<string, string>;
  failed: { reason?: string; since?: number; lines?: string[] } | null;
  dropped_lines: number;
  processes: Process[];
}

/** cpu is percent of one core, rss bytes, rps requests a second, p99 seconds. */
export interface Figures {
  cpu: number | null;
  rss: number | null;
  threads: number | null;
  rps: number | null;
  p50: number | null;
  p99: number | null;
}

export interface Snapshot {
  stack: { total_memory: number | null; figures: Figures };
  watchers: Record<string, { restarts: number | null; age: number | null; figures: Figures }>;
  processes: Record<string, { age: number | null; command: string; figures: Figures }>;
}

export interface History {
  step: number;
  times: number[];
  columns: Record<string, (number | null)[]>;
}

export interface ListeningSocket {
  name: string;
  fd: number;
  address: string;
  backlog: number;
  watchers: string[];
  queued: number | null;
  limit: number | null;
  dropped: number | null;
  accepted_per_s: number | null;
}

export interface Node {
  name: string;
  endpoint: string;
  state: string;
}

export interface Job {
  id: string;
  command: string;
  watchers: string[];
  state: string;
  asked: number;
  ended: number | null;
  error: string | null;
}

export interface OptionValue {
  name: string;
  value: unknown;
  default: unknown;
  help: string;
  type: string;
  legal: string;
  change: string;
  is_default: boolean;
}

export interface LogLine {
  seq: number;
  watcher: string;
  pid: number;
  stream: string;
  time: number;
  data: string;
}

export interface RunningConfig {
  arbiter: Record<string, unknown>;
  watchers: Record<string, Record<string, unknown>>;
}

export interface Plan {
  changes: string[];
}

export interface Accepted {
  job: string | null;
}
