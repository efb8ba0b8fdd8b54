// The parts of the page that only reckon.
import { describe, expect, it } from "vitest";
import { bare, pieces } from "../src/ansi";
import { bytes, millis, percent, rate, span } from "../src/format";
import { linkTo, parse } from "../src/route";

describe("colours of a line", () => {
  it("become classes", () => {
    expect(pieces("a \u001b[1;31mred\u001b[0m b")).toEqual([
      { text: "a ", classes: "" },
      { text: "red", classes: "c1 bold" },
      { text: " b", classes: "" },
    ]);
  });
  it("of more than 16 are plain, and no codes of their own", () => {
    expect(pieces("\u001b[38;5;31mx\u001b[38;2;1;2;3my")).toEqual([
      { text: "x", classes: "" },
      { text: "y", classes: "" },
    ]);
  });
  it("leave markup what it is: text", () => {
    expect(pieces("<script>\u001b[2K\u0007</script>").map((each) => each.text).join("")).toBe("<script></script>");
  });
  it("are no part of what is searched", () => {
    expect(bare("\u001b[32mo\u001b[0mk \u001b]0;title\u0007now")).toBe("ok now");
  });
  it("take no longer for a hostile line", () => {
    expect(pieces("\u001b[".repeat(20_000) + "x".repeat(20_000)).length).toBeGreaterThan(0);
  });
});

describe("numbers", () => {
  it("are short", () => {
    expect([percent(3.14159), percent(250), bytes(1536), bytes(52_428_800)]).toEqual(["3.1 %", "250 %", "1.5 K", "50 M"]);
    expect([millis(0.0042), millis(0.25), millis(2.5), rate(1234.5)]).toEqual(["4.2 ms", "250 ms", "2.5 s", "1235"]);
    expect([span(59), span(3600), span(90_000)]).toEqual(["59 s", "1 h 0 min", "1 d 1 h"]);
  });
  it("that nobody knows are a dash", () => {
    expect([percent(null), bytes(undefined), rate(null), millis(null), span(null)]).toEqual(Array(5).fill("–"));
  });
});

describe("addresses", () => {
  it("lead to a watcher, whatever its name", () => {
    for (const name of ["web", "a/b", "100%", "<b>?x#y", "ü 1"]) {
      expect(parse(linkTo("watchers", name))).toMatchObject({ page: "watchers", name });
    }
  });
  it("of a login have the link", () => {
    const { page, query } = parse("#/login?link=a-b_c");
    expect([page, query.get("link")]).toEqual(["login", "a-b_c"]);
  });
  it("that are broken lead somewhere", () => {
    expect(parse("#/watchers/%E0%A4%A").name).toBe("%E0%A4%A");
    expect(parse("").page).toBe("overview");
  });
});
