// A new watcher: its name, its command, and whatever else the declarations of options know.
import { useState } from "preact/hooks";
import { ApiError, post } from "../api";
import { useMay } from "../caller";
import { Waiting } from "../parts/Notice";
import { usePolled } from "../polled";
import { linkTo } from "../route";
import type { Watcher } from "../shapes";

interface Declared {
  help: string;
}

interface Schema {
  options: { watcher: [string, Declared][] | Record<string, Declared> };
}

const OWN_FIELDS = new Set(["cmd", "name"]);

export function AddWatcher() {
  const schema = usePolled<Schema>("/schema", 3_600_000);
  const may = useMay("admin");
  const [chosen, setChosen] = useState<string[]>(["numprocesses"]);
  const [error, setError] = useState("");
  if (!may) return <p class="empty">Adding a watcher takes the role admin.</p>;
  if (schema.value === null) return <Waiting error={schema.error} />;
  const given = schema.value.options.watcher;
  const declared = new Map(Array.isArray(given) ? given : Object.entries(given));
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setError("");
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => String(form.get(name) ?? "").trim();
    const options = Object.fromEntries(
      chosen.map((name) => [name, text(`option.${name}`)]).filter(([, value]) => value !== ""),
    );
    try {
      const made = await post<Watcher>("/watchers", { name: text("name"), cmd: text("cmd"), options });
      location.hash = linkTo("watchers", made.name);
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : String(problem));
    }
  };
  return (
    <>
      <h1>Add a watcher</h1>
      <form class="add" onSubmit={(event) => void submit(event)}>
        <label>
          Name <input name="name" required maxLength={200} autocomplete="off" />
        </label>
        <label>
          Command <input name="cmd" required autocomplete="off" />
        </label>
        {chosen.map((name) => (
          <label key={name}>
            <code>{name}</code> <input name={`option.${name}`} autocomplete="off" />
            <span class="quiet">{declared.get(name)?.help}</span>
          </label>
        ))}
        <label>
          One more option{" "}
          <select value="" onChange={(event) => setChosen([...chosen, event.currentTarget.value])}>
            <option value="">choose …</option>
            {[...declared.keys()]
              .filter((name) => !chosen.includes(name) && !OWN_FIELDS.has(name))
              .sort()
              .map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </select>
        </label>
        <button type="submit">Add and start</button>
        {error !== "" && (
          <p class="failure" role="alert">
            {error}
          </p>
        )}
      </form>
    </>
  );
}
