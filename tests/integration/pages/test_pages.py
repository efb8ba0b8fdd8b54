"""Every page of the console in Debian's Chromium: what it shows, what it does, and what it never does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.integration.pages.conftest import HOSTILE, Visit
from tests.integration.web.console import PASSWORD, Console
from tests.support.load import wrk
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

AXE = Path(__file__).parents[3] / "circus_stack" / "web" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# What each is called.
PAGES = {
    "overview": "Overview",
    "watcher/job": "job",
    "logs": "Logs",
    "events": "Events",
    "config": "Configuration",
    "add": "Add a watcher",
    "sockets": "Sockets",
    "nodes": "Nodes",
}


def test_a_link_logs_in_and_logging_out_ends_it(visit: Visit) -> None:
    visit.log_in()
    expect(visit.page.get_by_role("row", name=re.compile("job.*active.*2.2"))).to_be_visible()
    visit.button("Log out").click()
    expect(visit.page.get_by_label("Password")).to_be_visible()
    visit.go("overview")
    expect(visit.page.get_by_label("Password")).to_be_visible()


def test_a_password_logs_in_and_a_wrong_one_does_not(visit: Visit, console: Console) -> None:
    console.run("passwd", stdin=f"{PASSWORD}\n")
    visit.page.goto(visit.base)
    visit.page.get_by_label("Password").fill("a wrong password")
    visit.button("Log in").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("this password is wrong")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.button("Log in").click()
    expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_overview_tells_live_figures(visit: Visit) -> None:
    visit.log_in()
    row = visit.page.get_by_role("row", name=re.compile("^job"))
    expect(row).to_contain_text(re.compile(r"\d\.\d%.*[KM]"))
    expect(visit.page.locator(".tile", has_text="State")).to_contain_text("All well")


def test_one_is_stopped_and_started(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("watcher/job")
    visit.button("Stop").click()
    question = visit.page.get_by_role("dialog")
    expect(question).to_contain_text("Stop job?")
    question.get_by_role("button", name="Cancel").click()
    assert len(stack.pids("job")) == 2
    visit.button("Stop").click()
    question.get_by_role("button", name="Stop").click()
    expect(visit.page.locator("main .state")).to_contain_text("stopped")
    assert stack.pids("job") == []
    visit.button("Start").click()
    expect(visit.page.locator("main .state")).to_contain_text("active")
    stack.wait_pids(2, watcher="job")


def test_one_more_one_fewer_and_a_reload(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("watcher/job")
    visit.button("One more").click()
    expect(visit.page.get_by_text("3 of 3 ready")).to_be_visible()
    visit.button("One fewer").click()
    expect(visit.page.get_by_text("2 of 2 ready")).to_be_visible()
    before = stack.wait_pids(2, watcher="job")
    visit.button("Reload").click()
    expect(visit.page.get_by_role("status")).to_contain_text("job was reloaded")
    assert not set(stack.wait_pids(2, watcher="job")) & set(before)


def test_a_reload_under_load_fails_no_request(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("watcher/web")
    before = stack.pids()
    with wrk(stack.address()[1], keep_alive=True) as load:
        visit.button("Reload").click()
        expect(visit.page.get_by_role("status")).to_contain_text("web was reloaded")
    assert load.errors == []
    assert load.requests > 10
    assert not set(stack.wait_pids(2)) & set(before)


def test_what_a_watcher_depends_on_and_how_it_does_is_told(visit: Visit) -> None:
    visit.log_in()
    visit.go("watcher/talk")
    facts = visit.page.locator(".facts")
    expect(facts).to_contain_text(re.compile("Starts after.*job.*active"))
    expect(facts).to_contain_text(re.compile(r"Health.*exec:true.*healthy asked at \d"))
    facts.get_by_role("link", name="job").click()
    expect(visit.page.get_by_role("heading", name="job", exact=True, level=1)).to_be_visible()
    expect(facts).to_contain_text("no other watcher")
    expect(facts).to_contain_text("no probe")


def test_a_process_is_signalled_after_a_question(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("watcher/job")
    pid = stack.pids("job")[0]
    row = visit.page.get_by_role("row", name=re.compile(f"^{pid}"))
    row.get_by_label(f"Signal for {pid}").select_option("KILL")
    row.get_by_role("button", name="Send").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    stack.wait_pids(2, other_than=[pid], watcher="job")


def test_an_option_is_set_in_its_place(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("watcher/job")
    visit.page.get_by_role("searchbox").fill("graceful_timeout")
    field = visit.page.get_by_label("Value of graceful_timeout")
    field.fill("soon")
    visit.button("Set").click()
    expect(visit.page.get_by_role("status")).to_contain_text("a number of seconds")
    field.fill("7")
    visit.button("Set").click()
    expect(visit.page.get_by_role("status")).to_contain_text("graceful_timeout was set")
    assert stack.call("options", name="job")["options"]["graceful_timeout"] == 7.0


def test_lines_come_live_in_colour_and_as_text(visit: Visit) -> None:
    visit.log_in()
    visit.go("logs/talk")
    lines = visit.page.get_by_role("listitem")
    expect(lines.last).to_contain_text(HOSTILE)
    red = visit.page.locator(".ansi-red").first
    expect(red).to_have_text("red")
    newest = lines.last.inner_text()
    wait_until(lambda: lines.last.inner_text() != newest, "the next line")
    expect(lines.filter(has_text="talk.1").last).to_be_visible()
    visit.page.get_by_label("Process").select_option("talk.2")
    expect(lines.filter(has_text="talk.1")).to_have_count(0)
    expect(lines.filter(has_text="talk.2").last).to_be_visible()
    visit.button("Pause").click()
    count = visit.page.locator("span.detail", has_text="lines").inner_text()
    visit.page.wait_for_timeout(700)
    assert visit.page.locator("span.detail", has_text="lines").inner_text() == count
    visit.page.get_by_role("searchbox").fill("nothing has this")
    expect(visit.page.get_by_text("No line fits.")).to_be_visible()
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download").click()
    assert HOSTILE in Path(download.value.path()).read_text()


def test_events_are_told_with_their_reasons(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("events")
    stack.call("set", name="job", options={"priority": 5})
    expect(visit.page.get_by_role("row", name=re.compile("job updated")).first).to_be_visible()


def test_a_watcher_is_added_and_the_file_is_gone_back_to(visit: Visit, stack: RunningStack) -> None:
    visit.log_in()
    visit.go("add")
    visit.page.get_by_label("Name").fill("made here")
    visit.page.get_by_label("Command").fill("sleep 1000")
    visit.button("Add").click()
    expect(visit.page.get_by_role("heading", name="made here")).to_be_visible()
    assert len(stack.pids("made here")) == 1
    visit.go("config")
    visit.button("Compare with the file").click()
    expect(visit.page.locator(".plan")).to_contain_text("made here")
    visit.button("Apply").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(visit.page.get_by_role("status")).to_contain_text("in force")


def test_who_only_looks_can_press_nothing(visit: Visit) -> None:
    visit.log_in("view")
    visit.go("watcher/job")
    for name in ("Start", "Stop", "Reload", "Restart", "One more", "One fewer"):
        expect(visit.button(name)).to_be_disabled()
    visit.go("add")
    expect(visit.page.get_by_text("takes the role admin")).to_be_visible()


def test_a_lost_connection_is_told_and_mends_itself(visit: Visit) -> None:
    visit.log_in()
    visit.page.context.set_offline(True)
    visit.page.evaluate("() => window.dispatchEvent(new Event('offline'))")
    expect(visit.page.get_by_role("alert")).to_contain_text("connection to the console is lost")
    visit.page.context.set_offline(False)
    expect(visit.page.get_by_role("alert")).to_have_count(0)


def test_polling_does_where_websockets_are_blocked(visit: Visit) -> None:
    visit.page.add_init_script("window.WebSocket = class { constructor() { throw new Error('blocked'); } };")
    visit.log_in()
    expect(visit.page.get_by_role("row", name=re.compile("^job"))).to_contain_text(re.compile(r"\d\.\d%"))
    visit.mistakes.clear()


def test_a_hostile_name_is_a_name(visit: Visit) -> None:
    visit.log_in()
    cell = visit.page.get_by_role("link", name=HOSTILE).first
    expect(cell).to_be_visible()
    cell.click()
    expect(visit.page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    assert visit.page.locator("main img").count() == 0


def test_a_phone_shows_every_page_without_scrolling_sideways(visits: Any) -> None:
    visit = visits(viewport={"width": 360, "height": 740})
    visit.log_in()
    widths = {}
    for page in PAGES:
        show(visit, page)
        widths[page] = visit.page.evaluate("document.documentElement.scrollWidth")
    assert {page: width for page, width in widths.items() if width > 360} == {}


def test_no_page_has_a_serious_fault_of_access(visits: Any) -> None:
    visit = visits(bypass_csp=True)
    visit.page.goto(visit.base)
    expect(visit.page.get_by_label("Password")).to_be_visible()
    faults = {"login": serious_faults(visit)}
    visit.log_in()
    for page in PAGES:
        show(visit, page)
        faults[page] = serious_faults(visit)
    assert {page: each for page, each in faults.items() if each} == {}


def show(visit: Visit, page: str) -> None:
    visit.go(page)
    expect(visit.page.get_by_role("heading", name=PAGES[page], exact=True, level=1)).to_be_visible()


def serious_faults(visit: Visit) -> list[str]:
    """What axe-core finds, by any rule in the light and in the dark by the only one that looks at colours: the rule,
    and where."""
    if not visit.page.evaluate("'axe' in window"):
        visit.page.add_script_tag(path=str(AXE))
    faults = []
    for colours, options in (("light", "{resultTypes: ['violations']}"), ("dark", "{runOnly: ['color-contrast']}")):
        visit.page.emulate_media(color_scheme=colours)
        found = visit.page.evaluate(f"() => axe.run({options})")
        faults += [
            f"{colours}: {each['id']}: {[node['target'] for node in each['nodes']][:3]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    return faults


def test_the_page_is_small_and_of_this_machine(visit: Visit) -> None:
    sizes: list[int] = []
    visit.page.on(
        "response", lambda response: sizes.append(len(response.body())) if "/assets/" in response.url else None
    )
    visit.log_in()
    assert sum(sizes) < 400_000
