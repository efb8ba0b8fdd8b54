import { useEffect, useState } from "preact/hooks";
import { ask, may, type Watcher } from "../api";
import { attempt } from "../parts/act";
import { Empty } from "../parts/empty";
import { go } from "../route";

type Declared = [string, { help: string; legal: string; default: unknown; type: string }];

/** A new watcher, by a form that is made from the declarations of its options. */
export function Add() {
  const [declared, setDeclared] = useState<Declared[]>([]);
  const [name, setName] = useState("");
  const [cmd, setCmd] = useState("");
  const [values, setValues] = useState<Record<string, string>>({ numprocesses: "1", copy_env: "true" });
  const [starts, setStarts] = useState(true);
  useEffect(() => {
    ask<{ options: { watcher: Record<string, Declared[1]> } }>("GET", "/schema")
      .then((found) => setDeclared(Object.entries(found.options.watcher)))
      .catch(() => undefined);
  }, []);
  if (!may("admin")) return <Empty>To add a watcher takes the role admin: it runs any command as the arbiter's user.</Empty>;
  const byName = new Map(declared);
  const add = (event: Event) => {
    event.preventDefault();
    void attempt(`${name} was added.`, async () => {
      const options = Object.fromEntries(Object.entries(values).filter(([, text]) => text !== ""));
      const made = await ask<Watcher>("POST", "/watchers", { name, cmd, options, start: starts });
      go("watcher", made.name);
    });
  };
  return (
    <>
      <h1>Add a watcher</h1>
      <form class="form" onSubmit={add}>
        <label>Name <input required value={name} onInput={(event) => setName(event.currentTarget.value)} /></label>
        <label>Command <input required value={cmd} onInput={(event) => setCmd(event.currentTarget.value)} /></label>
        {Object.keys(values).map((key) => (
          <label key={key}>
            {key}
            <input value={values[key] ?? ""} onInput={(event) => setValues({ ...values, [key]: event.currentTarget.value })} />
            <small>{byName.get(key)?.help} ({byName.get(key)?.legal})</small>
          </label>
        ))}
        <label>
          One more option
          <select value="" onChange={(event) => setValues({ ...values, [event.currentTarget.value]: "" })}>
            <option value="">choose…</option>
            {declared.filter(([key]) => !(key in values) && key !== "cmd").map(([key]) => <option key={key}>{key}</option>)}
          </select>
        </label>
        <label class="check"><input type="checkbox" checked={starts} onChange={(event) => setStarts(event.currentTarget.checked)} /> start it at once</label>
        <button type="submit" disabled={!name || !cmd}>Add</button>
        <p class="hint">It stays until it is removed, or the stack ends. Save it on the page Configuration to keep it.</p>
      </form>
    </>
  );
}
