// A button that changes something: it asks once where it takes something away, shows that it is at work, and says what
// went wrong.
import { useState } from "preact/hooks";
import { ApiError } from "../api";

interface Props {
  label: string;
  act: () => Promise<unknown>;
  done?: () => void;
  ask?: string;
  name?: string;
}

export function Act({ label, act, done, ask, name }: Props) {
  const [phase, setPhase] = useState<"idle" | "asking" | "busy">("idle");
  const [error, setError] = useState("");
  const run = async (): Promise<void> => {
    setPhase("busy");
    setError("");
    try {
      await act();
      done?.();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : String(problem));
    }
    setPhase("idle");
  };
  if (phase === "asking") {
    return (
      <span class="asking" role="group" aria-label={ask}>
        {ask}{" "}
        <button type="button" class="danger" autofocus onClick={() => void run()}>
          Yes, {label.toLowerCase()}
        </button>
        <button type="button" onClick={() => setPhase("idle")}>
          No
        </button>
      </span>
    );
  }
  return (
    <span class="act">
      <button
        type="button"
        disabled={phase === "busy"}
        aria-label={name}
        onClick={() => (ask === undefined ? void run() : setPhase("asking"))}
      >
        {phase === "busy" ? `${label} …` : label}
      </button>
      {error !== "" && (
        <span class="failure" role="alert">
          {error}
        </span>
      )}
    </span>
  );
}
