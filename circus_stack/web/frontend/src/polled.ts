// A reply of the API that is asked for again and again while somebody looks.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api";

export interface Polled<T> {
  value: T | null;
  error: ApiError | null;
  refresh: () => void;
}

/** `path` every `everyMs`; a value stays while newer ones fail to come, with the error beside it. */
export function usePolled<T>(path: string, everyMs: number): Polled<T> {
  const [state, setState] = useState<{ value: T | null; error: ApiError | null }>({ value: null, error: null });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    let over = false;
    let timer = 0;
    let round = 0;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      round += 1;
      const mine = round;
      const reply = document.hidden ? null : await fetched<T>(path);
      if (over || mine !== round) return;
      if (reply !== null) setState((old) => ({ value: reply.value ?? old.value, error: reply.error }));
      timer = setTimeout(ask, everyMs);
    };
    const seen = (): void => void (document.hidden || ask());
    again.current = () => void ask();
    setState({ value: null, error: null });
    document.addEventListener("visibilitychange", seen);
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [path, everyMs]);
  return { ...state, refresh: useCallback(() => again.current(), []) };
}

async function fetched<T>(path: string): Promise<{ value: T | null; error: ApiError | null }> {
  try {
    return { value: await get<T>(path), error: null };
  } catch (error) {
    return { value: null, error: error instanceof ApiError ? error : new ApiError(0, String(error)) };
  }
}
