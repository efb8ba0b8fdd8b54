// Colours of a line of a terminal, as pieces of text with names of classes. Pure; the page makes text of the pieces, so
// that nothing in a line can ever be markup.

export interface Piece {
  text: string;
  classes: string;
}

const ESCAPE = /\u001b\[([0-9;:]*)([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-Z\\^_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

interface Style {
  colour: string;
  bold: boolean;
  dim: boolean;
}

const PLAIN: Style = { colour: "", bold: false, dim: false };

function changed(style: Style, codes: string): Style {
  let next = { ...style };
  const numbers = codes === "" ? [0] : codes.split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code >= 30 && code <= 37) next.colour = `c${code - 30}`;
    else if (code >= 90 && code <= 97) next.colour = `c${code - 90}`;
    else if (code === 39) next.colour = "";
    // Of 256 colours and of 16 million none is shown; their numbers are no codes of their own.
    else if (code === 38 || code === 48) at += numbers[at + 1] === 5 ? 2 : 4;
  }
  return next;
}

const classesOf = (style: Style): string =>
  [style.colour, style.bold ? "bold" : "", style.dim ? "dim" : ""].filter(Boolean).join(" ");

/** A line in pieces; escapes that are no colours are left out, and so are other control characters. */
export function pieces(line: string): Piece[] {
  const found: Piece[] = [];
  let style = PLAIN;
  let from = 0;
  const add = (text: string): void => {
    if (text !== "") found.push({ text, classes: classesOf(style) });
  };
  for (const match of line.matchAll(ESCAPE)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = changed(style, match[1] ?? "");
  }
  add(line.slice(from));
  return found;
}

/** The line without its colours. */
export const bare = (line: string): string => line.replace(ESCAPE, "");
