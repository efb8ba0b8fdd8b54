// The listening sockets, with their queues.
import { count, rate } from "../format";
import { Empty, Failure, Waiting } from "../parts/Notice";
import { usePolled } from "../polled";
import { linkTo } from "../route";
import type { ListeningSocket } from "../shapes";

export function Sockets() {
  const sockets = usePolled<ListeningSocket[]>("/sockets", 2000);
  if (sockets.value === null) return <Waiting error={sockets.error} />;
  return (
    <>
      <h1>Sockets</h1>
      <Failure error={sockets.error} />
      {sockets.value.length === 0 ? (
        <Empty>This stack has no sockets of its own.</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Sockets">
          <table>
            <thead>
              <tr>
                {["Socket", "Address", "Queued", "Limit", "Dropped", "Accepted/s", "Used by"].map((each) => (
                  <th scope="col" key={each}>
                    {each}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sockets.value.map((each) => (
                <tr key={each.fd}>
                  <th scope="row">{each.name}</th>
                  <td>{each.address}</td>
                  <td>{count(each.queued)}</td>
                  <td>{count(each.limit ?? each.backlog)}</td>
                  <td class={each.dropped ? "bad" : ""}>{count(each.dropped)}</td>
                  <td>{rate(each.accepted_per_s)}</td>
                  <td>
                    {each.watchers.map((name) => (
                      <a key={name} href={linkTo("watchers", name)}>
                        {name}{" "}
                      </a>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
