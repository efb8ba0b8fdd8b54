// The running configuration, and going over to what the file says: the plan is shown first.
import { useState } from "preact/hooks";
import { get, post } from "../api";
import { useMay } from "../caller";
import { plain } from "../format";
import { Act } from "../parts/Act";
import { Empty, Failure, Waiting } from "../parts/Notice";
import { usePolled } from "../polled";
import type { Plan, RunningConfig } from "../shapes";

export function Config() {
  const config = usePolled<RunningConfig>("/config", 30_000);
  const may = useMay("admin");
  if (config.value === null) return <Waiting error={config.error} />;
  return (
    <>
      <h1>Configuration</h1>
      <Failure error={config.error} />
      {may && <Planned changed={config.refresh} />}
      <h2>As it runs</h2>
      <Section title="arbiter" options={config.value.arbiter} />
      {Object.entries(config.value.watchers).map(([name, options]) => (
        <Section key={name} title={`watcher ${name}`} options={options} />
      ))}
    </>
  );
}

function Planned({ changed }: { changed: () => void }) {
  const [plan, setPlan] = useState<Plan | null>(null);
  return (
    <section>
      <h2>The file</h2>
      <Act label="Show what would change" act={async () => setPlan(await get<Plan>("/config/plan"))} />
      {plan !== null && plan.changes.length === 0 && <Empty>The file says what runs.</Empty>}
      {plan !== null && plan.changes.length > 0 && (
        <>
          <pre class="plan">{plan.changes.join("\n")}</pre>
          <Act
            label="Apply"
            ask="Go over to the file?"
            act={() => post("/config/apply?wait=true")}
            done={() => {
              setPlan(null);
              changed();
            }}
          />
        </>
      )}
    </section>
  );
}

function Section({ title, options }: { title: string; options: Record<string, unknown> }) {
  return (
    <details>
      <summary>{title}</summary>
      <dl class="values">
        {Object.entries(options).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{plain(value) || <span class="quiet">none</span>}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
