from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.config.expand import command_line, expand, expand_environ, sockets_in
from circus_stack.config.schema import WatcherConfig


def argv(cmd: str, args: str = "", **more: object) -> list[str]:
    watcher = WatcherConfig(name="w", cmd=cmd, args=args, **more)  # type: ignore[arg-type]
    return command_line(watcher, wid=3, socket_fds={"web": 7, "web2": 8}, env={"HOME": "/h", "Path": "p", "TWO": "a b"})


def test_both_spellings_in_any_case() -> None:
    variables = {"circus.wid": "3", "circus.sockets.web": "7"}
    assert expand("$(circus.wid) ((CIRCUS.Sockets.WEB)) $(Circus.WID)", variables) == "3 7 3"


def test_unknown_variables_and_shell_forms_stay_as_written() -> None:
    text = "$(circus.nope) ((circus.nope)) ${HOME} $HOME $(date) ((1+1))"
    assert expand(text, {"circus.wid": "3"}) == text


def test_the_exact_case_of_a_name_wins() -> None:
    assert expand("$(circus.env.Path)", {"circus.env.PATH": "a", "circus.env.Path": "b"}) == "b"


def test_values_are_not_expanded_again() -> None:
    assert expand("$(circus.a)", {"circus.a": "$(circus.b)", "circus.b": "x"}) == "$(circus.b)"


def test_command_line_knows_slot_sockets_environment_and_options() -> None:
    cmd = "serve --fd $(circus.sockets.web) --fd ((circus.sockets.WEB2)) $(circus.wid) $WID"
    assert argv(cmd, "$(circus.numprocesses) $(circus.env.home)", numprocesses=4) == [
        "serve", "--fd", "7", "--fd", "8", "3", "3", "4", "/h",
    ]  # fmt: skip


def test_a_variable_may_hold_several_words() -> None:
    assert argv("run $(circus.env.TWO) '$(circus.env.TWO)'") == ["run", "a", "b", "a b"]


def test_an_option_that_is_unset_expands_to_nothing() -> None:
    assert argv("run x$(circus.uid)x") == ["run", "xx"]


def test_a_command_of_several_lines_is_one_command() -> None:
    assert argv("python\n-u\nworker.py") == ["python", "-u", "worker.py"]


def test_env_sections_expand_upper_case_names_only() -> None:
    environ = {"HOME": "/h", "A_1": "x", "lower": "no"}
    assert expand_environ("$HOME/$A_1/$MISSING/${HOME}/$lower", environ) == "/h/x//${HOME}/$lower"


def test_sockets_that_a_text_names() -> None:
    assert sockets_in("--fd $(circus.sockets.Web) ((circus.sockets.b)) $(circus.wid)") == ("web", "b")


@given(st.text(alphabet="$(). circusenvwid_", max_size=60))
def test_any_text_expands_without_an_error(text: str) -> None:
    assert isinstance(expand(text, {"circus.wid": "3", "circus.env.x": ""}), str)
