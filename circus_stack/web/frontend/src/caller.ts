// Who is logged in, for every part of the page.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Login, Role } from "./shapes";

const ORDER: Role[] = ["view", "operate", "admin"];

export const Caller = createContext<Login>({ user: "", role: "view", csrf: null, expires: null });

/** Whether who is logged in may do what takes this role. */
export function useMay(role: Role): boolean {
  return ORDER.indexOf(useContext(Caller).role) >= ORDER.indexOf(role);
}
