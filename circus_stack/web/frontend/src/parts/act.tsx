import { signal } from "@preact/signals";
import { may, type Role } from "../api";

interface Notice {
  text: string;
  isBad: boolean;
}

export const notice = signal<Notice | null>(null);
const question = signal<{ text: string; verb: string; go: () => void } | null>(null);
let fading: ReturnType<typeof setTimeout> | undefined;

/** Say in the corner what became of something. */
export function tell(text: string, isBad = false): void {
  notice.value = { text, isBad };
  clearTimeout(fading);
  fading = setTimeout(() => (notice.value = null), isBad ? 12000 : 4000);
}

/** Do something, and say how it went. */
export async function attempt(text: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    tell(text);
  } catch (error) {
    tell((error as Error).message, true);
  }
}

interface ActProps {
  label: string;
  role: Role;
  /** What is asked first; without it nothing is. */
  ask?: string;
  does: () => Promise<unknown>;
  done: string;
  isDanger?: boolean;
}

/** A button for who may press it; whoever may not sees that it is there, and why it is not for them. */
export function Act({ label, role, ask: text, does, done, isDanger }: ActProps) {
  const start = () => void attempt(done, does);
  const press = () => {
    if (text === undefined) start();
    else question.value = { text, verb: label, go: start };
  };
  return (
    <button type="button" class={isDanger ? "danger" : ""} disabled={!may(role)} onClick={press}
      title={may(role) ? "" : `Takes the role ${role}.`}>
      {label}
    </button>
  );
}

/** The one question that is open, if one is. */
export function Question() {
  const open = question.value;
  if (!open) return null;
  const close = () => (question.value = null);
  return (
    <dialog
      ref={(element) => {
        if (element && !element.open) element.showModal();
      }}
      onClose={close}
      aria-labelledby="question"
    >
      <p id="question">{open.text}</p>
      <div class="row">
        <button type="button" class="danger" onClick={() => { close(); open.go(); }}>{open.verb}</button>
        <button type="button" onClick={close} autofocus>Cancel</button>
      </div>
    </dialog>
  );
}

export function Notices() {
  const told = notice.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {told && <p class={told.isBad ? "bad" : ""}>{told.text}</p>}
    </div>
  );
}
