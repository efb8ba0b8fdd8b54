/** What is told live: one connection, what is followed on it, and the newest of everything as signals. */

import { batch, signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import { address, ask, session, type ListeningSocket, type Watcher } from "./api";

export interface Figures {
  cpu: number | null;
  rss: number | null;
  pss: number | null;
  rps: number | null;
  busy: number | null;
  in_flight: number | null;
  p99: number | null;
  threads: number | null;
  files: number | null;
  processes?: number;
  restarts?: number | null;
  age?: number | null;
}

export interface StackEvent {
  seq: number;
  time: number;
  watcher: string;
  topic: string;
  [key: string]: unknown;
}

/** [number, seconds since the epoch, watcher, slot, pid, stream, text] */
export type LogRow = [number, number, string, number, number, "stdout" | "stderr", string];

export interface Logs {
  lines: LogRow[];
  dropped: number;
  is_first?: boolean;
  reason?: string;
}

interface Stats {
  time: number;
  stack: Figures;
  watchers: Record<string, Figures>;
  sockets: ListeningSocket[];
}

interface Wanted {
  stats: boolean;
  processes: string[];
  events: { since: number } | null;
  logs: { watcher: string | null; lines: number } | null;
}

export const connection = signal<"connecting" | "up" | "lost">("connecting");
export const publishers = signal<{ arbiter: string; stats: string }>({ arbiter: "up", stats: "up" });
export const watchers = signal<Watcher[] | null>(null);
export const trouble = signal("");
export const stack = signal<Figures | null>(null);
export const figures = signal<Record<string, Figures>>({});
export const sockets = signal<ListeningSocket[]>([]);
export const processes = signal<Record<string, Figures>>({});
export const events = signal<StackEvent[]>([]);
export const heardAt = signal(0);
/** The last minutes of each watcher's CPU and requests, for the small graphs. */
export const trails = signal<Record<string, { cpu: number[]; rps: number[] }>>({});

const KEPT_EVENTS = 1000;
const TRAIL = 90;
const FORGOTTEN_S = 3;

const wanted: Wanted = { stats: true, processes: [], events: { since: -1 }, logs: null };
let socket: Socket | null = null;
let takeLogs: (logs: Logs) => void = () => undefined;
let refreshing: ReturnType<typeof setTimeout> | undefined;

/** Begin to listen; to be called once somebody is logged in. */
export function connect(): void {
  disconnect();
  const word = session.value?.csrf;
  const made = io(location.origin, {
    path: new URL(address("socket.io")).pathname,
    extraHeaders: word ? { "X-CSRF-Token": word } : {},
    reconnectionDelayMax: 5000,
  });
  socket = made;
  made.on("connect", () => {
    connection.value = "up";
    follow();
    void refresh();
  });
  made.on("disconnect", (reason: string) => {
    connection.value = "lost";
    // The server ends it where the session has ended: whether it has is asked.
    if (reason === "io server disconnect") void refresh().then(() => made.connect());
  });
  made.on("connect_error", () => {
    connection.value = "lost";
    void refresh();
  });
  made.on("state", (state: { arbiter: string; stats: string }) => {
    const wasLost = publishers.value.arbiter === "lost";
    publishers.value = state;
    if (wasLost && state.arbiter === "up") void refresh();
  });
  made.on("stats", takeStats);
  made.on("processes", (told: { processes: Record<string, Figures> }) => {
    processes.value = told.processes;
  });
  made.on("events", (told: StackEvent[]) => {
    events.value = told.slice(-KEPT_EVENTS);
  });
  made.on("event", takeEvent);
  made.on("logs", (told: Logs) => takeLogs(told));
  made.on("late", (told: { dropped: number }) => takeLogs({ lines: [], dropped: told.dropped }));
}

export function disconnect(): void {
  socket?.disconnect();
  socket = null;
}

function follow(): void {
  if (socket?.connected) socket.emit("follow", wanted);
}

/** Hear of the processes of one watcher, or of none. */
export function followProcesses(name: string | null): void {
  wanted.processes = name === null ? [] : [name];
  processes.value = {};
  follow();
}

/** Hear the lines of a watcher, of all (null), or none (undefined). */
export function followLogs(watcher: string | null | undefined, take: (logs: Logs) => void): void {
  takeLogs = take;
  wanted.logs = watcher === undefined ? null : { watcher, lines: 500 };
  follow();
}

function takeStats(told: Stats): void {
  batch(() => {
    heardAt.value = Date.now() / 1000;
    stack.value = told.stack;
    figures.value = told.watchers;
    sockets.value = told.sockets;
    const next: typeof trails.value = {};
    for (const [name, each] of Object.entries(told.watchers)) {
      const before = trails.value[name] ?? { cpu: [], rps: [] };
      next[name] = {
        cpu: [...before.cpu.slice(1 - TRAIL), each.cpu ?? 0],
        rps: [...before.rps.slice(1 - TRAIL), each.rps ?? 0],
      };
    }
    trails.value = next;
  });
}

function takeEvent(event: StackEvent): void {
  events.value = [...events.value.slice(1 - KEPT_EVENTS), event];
  clearTimeout(refreshing);
  refreshing = setTimeout(() => void refresh(), 150);
}

/** Ask for the states of all watchers; events alone don't tell all of them. */
export async function refresh(): Promise<void> {
  try {
    watchers.value = await ask<Watcher[]>("GET", "/watchers");
    trouble.value = "";
  } catch (error) {
    trouble.value = (error as Error).message;
  }
}

/** Whether what is shown is older than it should be. */
export function isStale(now: number): boolean {
  return connection.value === "lost" || (heardAt.value > 0 && now - heardAt.value > FORGOTTEN_S);
}
