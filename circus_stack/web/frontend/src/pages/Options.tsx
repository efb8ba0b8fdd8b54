// The options of a watcher: each with its help, its default and what a change does; set in place.
import { useState } from "preact/hooks";
import { ofWatcher, patch } from "../api";
import { useMay } from "../caller";
import { plain } from "../format";
import { Act } from "../parts/Act";
import { Waiting } from "../parts/Notice";
import { usePolled } from "../polled";
import type { OptionValue } from "../shapes";

const EFFECTS: Record<string, string> = {
  apply: "applies at once",
  scale: "changes the number of processes",
  roll: "replaces its processes, new before old",
  rebind: "binds its sockets again",
  restart: "restarts it",
};

export function Options({ name }: { name: string }) {
  const options = usePolled<OptionValue[]>(ofWatcher(name, "/options"), 30_000);
  const [search, setSearch] = useState("");
  return (
    <details class="options">
      <summary>Options</summary>
      {options.value === null ? (
        <Waiting error={options.error} />
      ) : (
        <>
          <label>
            Search <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
          </label>
          {options.value
            .filter((each) => each.name.includes(search.trim().toLowerCase()))
            .map((each) => (
              <Option key={each.name} watcher={name} option={each} changed={options.refresh} />
            ))}
        </>
      )}
    </details>
  );
}

function Option({ watcher, option, changed }: { watcher: string; option: OptionValue; changed: () => void }) {
  const may = useMay("admin");
  const [typed, setTyped] = useState<string | null>(null);
  const value = typed ?? plain(option.value);
  return (
    <div class="option">
      <label>
        <code>{option.name}</code>{" "}
        <input value={value} readOnly={!may} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      {typed !== null && typed !== plain(option.value) && (
        <Act
          label="Set"
          name={`Set ${option.name}`}
          act={() => patch(ofWatcher(watcher, "/options?wait=true"), { [option.name]: typed })}
          done={() => {
            setTyped(null);
            changed();
          }}
        />
      )}
      <p class="quiet">
        {option.help} {option.change !== "" && `A change ${EFFECTS[option.change] ?? option.change}.`}{" "}
        {!option.is_default && option.help !== "" && `Default: ${plain(option.default) || "none"}.`}
      </p>
    </div>
  );
}
