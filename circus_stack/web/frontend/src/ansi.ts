/** Colours of terminals in lines of text: spans with classes, never markup. */

export interface Span {
  text: string;
  classes: string;
}

const ESCAPE = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-z]|\u001b[()][A-Z0-9]|[\u0000-\u0008\u000b-\u001f\u007f]/g;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** The line in pieces; what moves a cursor is left out. */
export function spans(line: string): Span[] {
  if (!line.includes("\u001b")) return [{ text: line, classes: "" }];
  const found: Span[] = [];
  let colour = "";
  let isBold = false;
  let at = 0;
  const put = (text: string): void => {
    if (text) found.push({ text, classes: [colour, isBold ? "ansi-bold" : ""].filter(Boolean).join(" ") });
  };
  for (const match of line.matchAll(ESCAPE)) {
    put(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] === undefined) continue;
    for (const code of (match[1] || "0").split(";").map(Number)) {
      if (code === 0) [colour, isBold] = ["", false];
      else if (code === 1) isBold = true;
      else if (code === 22) isBold = false;
      else if (code === 39) colour = "";
      else if (code >= 30 && code <= 37) colour = `ansi-${NAMES[code - 30]}`;
      else if (code >= 90 && code <= 97) colour = `ansi-${NAMES[code - 90]}`;
    }
  }
  put(line.slice(at));
  return found;
}

const LEVEL = /\b(CRITICAL|FATAL|ERROR|WARNING|WARN|INFO|DEBUG|TRACE)\b/i;

/** The level that a line names, in small letters; empty if it names none. */
export function levelOf(line: string): string {
  const word = LEVEL.exec(line.slice(0, 200))?.[1]?.toLowerCase() ?? "";
  return { warn: "warning", fatal: "critical", trace: "debug" }[word] ?? word;
}
