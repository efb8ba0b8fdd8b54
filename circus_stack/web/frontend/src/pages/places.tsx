import { useEffect, useState } from "preact/hooks";
import { ask, type ListeningSocket } from "../api";
import { sockets } from "../live";
import { rate } from "../format";
import { Empty, Failure, Waiting } from "../parts/empty";
import { link } from "../route";

function useAsked<T>(path: string): [T | null, string] {
  const [found, setFound] = useState<T | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    ask<T>("GET", path).then(setFound).catch((error: Error) => setTrouble(error.message));
  }, [path]);
  return [found, trouble];
}

/** The listening sockets with their queues. */
export function Sockets() {
  const [found, trouble] = useAsked<ListeningSocket[]>("/sockets");
  if (trouble) return <Failure text={trouble} />;
  if (!found) return <Waiting />;
  const live = new Map(sockets.value.map((each) => [each.fd, each]));
  return (
    <>
      <h1>Sockets</h1>
      {found.length === 0 ? <Empty>This stack listens on no socket.</Empty> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Sockets">
          <table>
            <thead>
              <tr>
                <th scope="col">Socket</th><th scope="col">Address</th><th scope="col" class="number">Waiting</th>
                <th scope="col" class="number">Limit</th><th scope="col" class="number">Turned away</th>
                <th scope="col" class="number">Accepted/s</th><th scope="col">Watchers</th>
              </tr>
            </thead>
            <tbody>
              {found.map((each) => {
                const now = live.get(each.fd) ?? each;
                return (
                  <tr key={each.fd} class={(now.dropped ?? 0) > 0 ? "bad" : ""}>
                    <th scope="row">{each.name}</th><td>{each.address}</td>
                    <td class="number">{now.queued ?? "–"}</td><td class="number">{now.limit ?? each.backlog}</td>
                    <td class="number">{now.dropped ?? "–"}</td><td class="number">{rate(now.accepted_per_s)}</td>
                    <td>{each.watchers.map((name) => <a key={name} href={link("watcher", name)}>{name} </a>)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** The machines: one, as long as a console shows one stack. */
export function Nodes() {
  const [found, trouble] = useAsked<{ name: string; endpoint: string; state: string }[]>("/nodes");
  if (trouble) return <Failure text={trouble} />;
  if (!found) return <Waiting />;
  return (
    <>
      <h1>Nodes</h1>
      <div class="scroll" tabIndex={0} role="region" aria-label="Nodes">
        <table>
          <thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Endpoint</th></tr></thead>
          <tbody>
            {found.map((each) => (
              <tr key={each.endpoint} class={each.state === "up" ? "" : "bad"}>
                <th scope="row">{each.name}</th><td>{each.state}</td><td class="detail">{each.endpoint}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
