/** The HTTP API: one place that knows addresses, the session's CSRF word, and what an error looks like. */

import { signal } from "@preact/signals";

export type Role = "view" | "operate" | "admin";

export interface Session {
  user: string;
  role: Role;
  csrf: string | null;
  expires: number | null;
}

export interface Process {
  pid: number;
  wid: number;
  state: string;
  started: number;
  ready_at: number | null;
  generation: number;
  health?: Health | null;
}

/** What a probe found last; `error` is of the last one that failed, and stays. Times are seconds since the epoch. */
export interface Health {
  state: "healthy" | "unhealthy" | "unknown";
  failures: number;
  error: string;
  failed_at: number | null;
  checked_at: number | null;
}

export interface Watcher {
  name: string;
  state: string;
  detail: string;
  numprocesses: number;
  running: number;
  ready: number;
  pids: number[];
  failures: number;
  waits_for: Record<string, string>;
  degraded_by: Record<string, string>;
  health: Health | null;
  failed: { reason: string; since: number; lines: string[] } | null;
  last_exit: { pid: number; exit_code: number | null; ended: string; time: number } | null;
  processes: Process[];
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

export interface History {
  step: number;
  times: number[];
  columns: Record<string, (number | null)[]>;
}

/** What the API refuses: `status` is HTTP's, 0 where nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(reason);
  }
}

export const session = signal<Session | null | undefined>(undefined);

const ORDER: Role[] = ["view", "operate", "admin"];

/** Whether who is logged in may do what takes a role. */
export function may(role: Role): boolean {
  return !!session.value && ORDER.indexOf(session.value.role) >= ORDER.indexOf(role);
}

/** The address of a path of ours, wherever a proxy has put us. */
export function address(path: string): string {
  return new URL(path, document.baseURI.split("#")[0]).toString();
}

/** Ask; the JSON of the reply. Throws ApiError. */
export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const word = session.value?.csrf;
  if (word) headers["X-CSRF-Token"] = word;
  let response: Response;
  try {
    response = await fetch(address(`api/v1${path}`), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new ApiError(0, "The console does not answer.");
  }
  const text = await response.text();
  const found = text ? JSON.parse(text) : null;
  if (response.ok) return found as T;
  if (response.status === 401 && path !== "/session") session.value = null;
  throw new ApiError(response.status, found?.error?.reason ?? response.statusText);
}

/** Who is logged in, if anybody is. */
export async function whoAmI(): Promise<void> {
  try {
    session.value = await ask<Session>("GET", "/session");
  } catch {
    session.value = null;
  }
}

export async function logIn(credentials: { password: string; user: string } | { link: string }): Promise<void> {
  session.value = await ask<Session>("POST", "/session", credentials);
}

export async function logOut(): Promise<void> {
  try {
    await ask("DELETE", "/session");
  } finally {
    session.value = null;
  }
}

export function pathOf(watcher: string): string {
  return `/watchers/${encodeURIComponent(watcher)}`;
}
