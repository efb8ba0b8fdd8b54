// Asking the API. Every address is relative to the page; a change shows the word of the session.
import type { Login } from "./shapes";

const AT_MOST_MS = 20_000;
// An operation that is waited for: as long as the console itself waits for the arbiter.
const WAITING_MS = 310_000;

/** What went wrong; `status` is 0 where nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly option: string | null = null,
  ) {
    super(message);
  }
}

let csrf: string | null = null;
let onLoggedOut: () => void = () => undefined;

/** Called once a session turns out to be over. */
export function whenLoggedOut(callback: () => void): void {
  onLoggedOut = callback;
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf !== null) headers["X-CSRF-Token"] = csrf;
  try {
    return await fetch(`api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(path.includes("wait=true") ? WAITING_MS : AT_MOST_MS),
    });
  } catch {
    throw new ApiError(0, "the console does not answer");
  }
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as { error: { reason: string; option: string | null } };
    return new ApiError(response.status, error.reason, error.option);
  } catch {
    return new ApiError(response.status, `the console answered ${response.status}`);
  }
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  if (!response.ok) {
    const error = await failure(response);
    if (error.status === 401 && path !== "/session") onLoggedOut();
    throw error;
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}): Promise<T> => ask<T>("POST", path, body);
export const patch = <T>(path: string, body: unknown): Promise<T> => ask<T>("PATCH", path, body);
export const remove = <T>(path: string): Promise<T> => ask<T>("DELETE", path);

/** The path of a watcher, whatever stands in its name. */
export const ofWatcher = (name: string, rest = ""): string => `/watchers/${encodeURIComponent(name)}${rest}`;

function remember(login: Login): Login {
  csrf = login.csrf;
  return login;
}

/** Who is logged in, or null. */
export async function whoami(): Promise<Login | null> {
  try {
    return remember(await get<Login>("/session"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export async function logIn(by: { password: string; user: string } | { link: string }): Promise<Login> {
  return remember(await post<Login>("/session", by));
}

export async function logOut(): Promise<void> {
  await remove("/session");
  csrf = null;
}
