// Logging in, by a password or by the link in the address, which is posted once and then forgotten.
import { useEffect, useState } from "preact/hooks";
import { ApiError, logIn } from "../api";
import type { Login as Session } from "../shapes";

export function Login({ link, onDone }: { link: string | null; onDone: (session: Session) => void }) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const attempt = async (by: Parameters<typeof logIn>[0]): Promise<void> => {
    setBusy(true);
    setError("");
    try {
      onDone(await logIn(by));
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : String(problem));
      setBusy(false);
    }
  };
  useEffect(() => {
    if (link === null) return;
    history.replaceState(null, "", "#/login");
    void attempt({ link });
  }, [link]);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    void attempt({ user: String(given.get("user")), password: String(given.get("password")) });
  };
  return (
    <main class="login">
      <h1>circus-stack</h1>
      <form onSubmit={submit}>
        <label>
          User <input name="user" value="admin" autocomplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" required autofocus />
        </label>
        <button type="submit" disabled={busy}>
          {busy ? "Logging in …" : "Log in"}
        </button>
        {error !== "" && (
          <p class="failure" role="alert">
            {error}
          </p>
        )}
      </form>
      <p class="quiet">
        No password yet? <code>circus-stack console</code> prints a link that logs in once.
      </p>
    </main>
  );
}
