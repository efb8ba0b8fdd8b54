// The machines whose stack this console shows.
import { Failure, Waiting } from "../parts/Notice";
import { State } from "../parts/State";
import { usePolled } from "../polled";
import type { Node } from "../shapes";

export function Nodes() {
  const nodes = usePolled<Node[]>("/nodes", 5000);
  if (nodes.value === null) return <Waiting error={nodes.error} />;
  return (
    <>
      <h1>Nodes</h1>
      <Failure error={nodes.error} />
      <ul class="jobs">
        {nodes.value.map((each) => (
          <li key={each.endpoint}>
            <b>{each.name}</b> <State word={each.state} /> <span class="quiet">{each.endpoint}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
