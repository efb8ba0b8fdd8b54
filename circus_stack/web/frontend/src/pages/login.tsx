import { useEffect, useState } from "preact/hooks";
import { logIn } from "../api";
import { route } from "../route";

/** By a link, which is used at once, or by a password. */
export function Login() {
  const [user, setUser] = useState("admin");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState("");
  const [isBusy, setBusy] = useState(false);
  const word = route.value.page === "login" ? route.value.query.get("link") : null;

  const attempt = async (credentials: Parameters<typeof logIn>[0]) => {
    setBusy(true);
    try {
      await logIn(credentials);
      location.hash = "#/overview";
    } catch (error) {
      setTrouble((error as Error).message);
    } finally {
      setBusy(false);
    }
  };

  useEffect(() => {
    if (!word) return;
    // Not kept in the history: it works once.
    history.replaceState(null, "", "#/login");
    void attempt({ link: word });
  }, [word]);

  return (
    <main class="login">
      <form onSubmit={(event) => { event.preventDefault(); void attempt({ user, password }); }}>
        <h1>circus-stack</h1>
        <label>
          User
          <input name="user" autocomplete="username" value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" value={password}
            onInput={(event) => setPassword(event.currentTarget.value)} />
        </label>
        {trouble && <p class="failure" role="alert">{trouble}</p>}
        <button type="submit" disabled={isBusy || !password}>Log in</button>
        <p class="hint">
          No password yet? <code>circus-stack console</code> prints a link that logs in once;{" "}
          <code>circus-stack passwd</code> sets a password.
        </p>
      </form>
    </main>
  );
}
