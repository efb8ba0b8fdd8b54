import type { OptionValue, Watcher } from "../api";
import { clock, shown } from "../format";
import { watchers } from "../live";
import { HealthText } from "../parts/health";
import { State } from "../parts/state";
import { link } from "../route";

/** What a watcher needs before it starts, what it waits for or suffers from now, how its probe finds it, and how the
    last of its processes ended. */
export function Relations({ watcher, options }: { watcher: Watcher; options: OptionValue[] | null }) {
  const valueOf = (name: string) => options?.find((each) => each.name === name)?.value;
  const needed = namesIn(valueOf("depends_on"));
  const probe = shown(valueOf("health"));
  const isProbed = Boolean(probe) && probe !== "none";
  const { last_exit: last } = watcher;
  return (
    <dl class="facts">
      <dt>Starts after</dt>
      <dd>{needed.length === 0 ? "no other watcher" : needed.map((name) => <Other key={name} name={name} />)}</dd>
      <Reasons title="Waits for" reasons={watcher.waits_for} />
      <Reasons title="Suffers from" reasons={watcher.degraded_by} />
      <dt>Health</dt>
      <dd>
        {!isProbed && <>no probe <span class="detail">(option health)</span></>}
        {isProbed && <code>{probe}</code>} {watcher.health && <HealthText health={watcher.health} />}
      </dd>
      {last && (
        <>
          <dt>Last end</dt>
          <dd>{last.pid}: {last.ended} <span class="detail">at {clock(last.time)}</span></dd>
        </>
      )}
    </dl>
  );
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : shown(value).split(/[\s,]+/).filter(Boolean);
}

function Other({ name }: { name: string }) {
  const found = watchers.value?.find((each) => each.name.toLowerCase() === name.toLowerCase());
  return <span class="other"><a href={link("watcher", found?.name ?? name)}>{name}</a> {found && <State watcher={found} />}</span>;
}

function Reasons({ title, reasons }: { title: string; reasons: Record<string, string> }) {
  const names = Object.keys(reasons);
  if (names.length === 0) return null;
  return (
    <>
      <dt>{title}</dt>
      <dd>{names.map((name) => <span key={name} class="other"><Other name={name} /> <span class="detail">{reasons[name]}</span></span>)}</dd>
    </>
  );
}
