// What stands where nothing can be shown: it loads, it is empty, or it failed.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api";

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Failure({ error }: { error: ApiError | null }) {
  return error === null ? null : (
    <p class="failure" role="alert">
      {error.message}
    </p>
  );
}

/** While there is no value yet: that it loads, or why it doesn't. */
export function Waiting({ error }: { error: ApiError | null }) {
  return error === null ? (
    <p class="empty" role="status">
      Loading …
    </p>
  ) : (
    <Failure error={error} />
  );
}
