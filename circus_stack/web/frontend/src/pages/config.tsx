import { useEffect, useState } from "preact/hooks";
import { ask, may } from "../api";
import { shown } from "../format";
import { Act, attempt } from "../parts/act";
import { Empty, Failure, Waiting } from "../parts/empty";

interface Running {
  arbiter: Record<string, unknown>;
  watchers: Record<string, Record<string, unknown>>;
}

function Values({ title, values }: { title: string; values: Record<string, unknown> }) {
  return (
    <details>
      <summary>{title}</summary>
      <dl class="values">
        {Object.entries(values).map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd>{shown(value)}</dd></div>
        ))}
      </dl>
    </details>
  );
}

/** What runs, what the file says now, and going over to it. */
export function Config() {
  const [running, setRunning] = useState<Running | null>(null);
  const [trouble, setTrouble] = useState("");
  const [plan, setPlan] = useState<string[] | null>(null);
  const load = () => ask<Running>("GET", "/config").then(setRunning).catch((error: Error) => setTrouble(error.message));
  useEffect(() => { void load(); }, []);
  const look = () => attempt("The file was read.", async () => {
    setPlan((await ask<{ changes: string[] }>("GET", "/config/plan")).changes);
  });
  const apply = async () => {
    await ask("POST", "/config/apply?wait=true", {});
    setPlan(null);
    await load();
  };
  if (trouble) return <Failure text={trouble} />;
  if (!running) return <Waiting />;
  return (
    <>
      <h1>Configuration</h1>
      <section>
        <h2>The file</h2>
        <div class="row">
          <button type="button" disabled={!may("admin")} onClick={() => void look()}>Compare with the file</button>
          <Act label="Save" role="admin" ask="Write what was changed at run time into the file?" does={() => ask("POST", "/config/save")} done="It was saved." />
        </div>
        {plan && (plan.length === 0 ? <Empty>The file says what runs.</Empty> : (
          <>
            <ul class="plan">{plan.map((each) => <li key={each}><code>{each}</code></li>)}</ul>
            <Act label="Apply" role="admin" ask="Go over to what the file says, all or nothing?" does={apply} done="The file is in force." />
          </>
        ))}
      </section>
      <section>
        <h2>What runs</h2>
        <Values title="The arbiter" values={running.arbiter} />
        {Object.entries(running.watchers).map(([name, values]) => <Values key={name} title={name} values={values} />)}
      </section>
    </>
  );
}
