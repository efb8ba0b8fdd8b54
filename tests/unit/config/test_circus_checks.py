"""What options of a Circus file say about each other: contradictions are mistakes, what has no effect is warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import HookConfig, ReloadMode
from tests.unit.config.stacks import circus, mistakes, paste

_SOCKETS = "[socket:web]\nport = 0\n[socket:unix]\npath = /run/w.sock\n"


@pytest.mark.parametrize(
    ("lines", "option", "said"),
    [
        ("stdin_socket = wbe", "stdin_socket", "did you mean 'web'"),
        ("use_sockets = True\nlisten_fds = unix wbe", "listen_fds", "did you mean 'web'"),
        ("on_demand = True", "on_demand", "legal: use_sockets = True"),
        ("copy_path = True", "copy_path", "needs copy_env = True"),
        ("virtualenv = /srv/venv", "virtualenv", "needs copy_env = True"),
        ("singleton = True\nnumprocesses = 2", "numprocesses", "legal: 0 or 1"),
        ("hooks.befor_start = a.b", "hooks.befor_start", "did you mean 'hooks.before_start'"),
        ("hooks.before_start = nothing", "hooks.before_start", "legal: MODULE.CALLABLE"),
        ("hooks.before_start = a.b,perhaps", "hooks.before_start", "legal: MODULE.CALLABLE"),
        ("rlimit_nofiles = 3", "rlimit_nofiles", "did you mean 'rlimit_nofile'"),
        ("rlimit_nofile = few", "rlimit_nofile", "legal: a whole number"),
        ("rlimit_nofile = infinity:5", "rlimit_nofile", "legal: a whole number"),
        ("send_hup = True\nreload_mode = restart", "send_hup", "contradicts reload_mode = restart"),
        ("send_hup = False\nreload_mode = hup", "send_hup", "contradicts reload_mode = hup"),
        ("max_retry = -2", "max_retry", "or -1 for no limit"),
    ],
)
def test_a_watcher_that_contradicts_itself_is_refused(tmp_path: Path, lines: str, option: str, said: str) -> None:
    (problem,) = mistakes(circus, tmp_path, f"[watcher:w]\ncmd = cat\n{lines}\n{_SOCKETS}")
    assert (problem.section, problem.option) == ("watcher:w", option)
    assert said in str(problem)
    assert problem.line in (3, 4)


@pytest.mark.parametrize(
    ("lines", "option"),
    [
        ("close_child_stdout = True\nstdout_stream.class = StdoutStream", "stdout_stream"),
        ("close_child_stderr = True\nstderr_stream.filename = x", "stderr_stream"),
        ("shell_args = -x", "shell_args"),
        ("listen_fds = True", "listen_fds"),
        ("virtualenv_py_ver = 3.11", "virtualenv_py_ver"),
        ("executable = python", "executable"),
        ("check_flapping = True", "check_flapping"),
    ],
)
def test_what_has_no_effect_is_warned_of(tmp_path: Path, lines: str, option: str) -> None:
    (problem,) = circus(tmp_path, f"[watcher:w]\ncmd = cat\n{lines}\n").warnings
    assert problem.option == option
    assert "no effect" in problem.message


def test_an_offer_of_lanes_that_nobody_names_is_warned_of(tmp_path: Path) -> None:
    web = "[socket:web]\nport = 0\nso_reuseport = True\n[watcher:w]\ncmd = cat\nuse_sockets = True\nlisten_fds = "
    (warning,) = circus(tmp_path, web + "True\n").warnings
    assert "offered only where it is named" in str(warning)
    assert not circus(tmp_path, web + "web\n").warnings


@pytest.mark.parametrize(
    ("lines", "option", "said"),
    [
        ("path = /run/x\nso_reuseport = True", "so_reuseport", "exists for TCP and UDP only"),
        ("type = SOCK_SEQPACKET", "type", "exists for unix sockets only"),
        ("type = SOCK_STREM", "type", "did you mean 'SOCK_STREAM'"),
        ("family = AF_UNIX", "family", "legal: path = PATH"),
        ("path = /run/x\numask = 999", "umask", "legal: an octal number"),
        ("path = /run/x\nmode = 888", "mode", "legal: an octal number"),
    ],
)
def test_a_socket_that_cannot_be_is_refused(tmp_path: Path, lines: str, option: str, said: str) -> None:
    (problem,) = mistakes(circus, tmp_path, f"[socket:s]\n{lines}\n")
    assert problem.option == option
    assert said in str(problem)


def test_options_of_the_other_kind_of_socket_are_warned_of(tmp_path: Path) -> None:
    text = "[socket:a]\nport = 0\nreplace = True\nowner = root\n[socket:b]\npath = /run/b\ninterface = lo\n"
    assert [each.option for each in circus(tmp_path, text).warnings] == ["replace", "owner", "interface"]


@pytest.mark.parametrize(
    ("text", "value", "is_warned"),
    [
        ("8", 0o10, True),
        ("22", 0o22, True),
        ("022", 0o22, False),
        ("7", 0o7, False),
        ("0", 0, False),
        ("", None, False),
    ],
)
def test_the_umask_of_a_socket_is_octal(tmp_path: Path, text: str, value: int | None, is_warned: bool) -> None:
    stack = circus(tmp_path, f"[socket:s]\npath = /run/s\numask = {text}\n")
    assert stack.sockets[0].umask == value
    assert bool(stack.warnings) is is_warned


def test_udp_and_tcp_may_have_the_same_port(tmp_path: Path) -> None:
    udp = "[socket:u]\nport = 53\ntype = SOCK_DGRAM\n"
    assert len(circus(tmp_path, f"[socket:t]\nport = 53\n{udp}").sockets) == 2
    (problem,) = mistakes(circus, tmp_path, udp + udp.replace(":u", ":v"))
    assert "is taken by" in problem.message


def test_send_hup_is_reload_mode_hup(tmp_path: Path) -> None:
    text = "[watcher:a]\ncmd = cat\nsend_hup = True\n[watcher:b]\ncmd = cat\nreload_mode = hup\n"
    for each in circus(tmp_path, text).watchers:
        assert (each.send_hup, each.reload_mode) == (True, ReloadMode.HUP)


def test_a_hook_is_a_dotted_name_or_one_with_a_colon(tmp_path: Path) -> None:
    text = "[watcher:w]\ncmd = cat\nhooks.before_start = a.b.C.d, on\nhooks.after_stop = a.b:C.d\n"
    hooks = circus(tmp_path, text).watchers[0].hooks
    assert hooks == {"before_start": HookConfig("a.b.C.d", True), "after_stop": HookConfig("a.b:C.d")}


def test_limits_are_soft_and_hard(tmp_path: Path) -> None:
    text = "[watcher:w]\ncmd = cat\nrlimit_nofile = 5\nrlimit_AS =\nrlimit_core = 0:-1\nrlimit_cpu = -1\n"
    limits = circus(tmp_path, text).watchers[0].rlimits
    assert limits == {"nofile": (5, 5), "as": (-1, -1), "core": (0, -1), "cpu": (-1, -1)}


@pytest.mark.parametrize(
    ("line", "is_right"),
    [
        ("multicast_endpoint = udp://237.219.251.97:12027", True),
        ('multicast_endpoint = ""', True),
        ("multicast_endpoint = udp://10.0.0.1:12027", False),
        ("multicast_endpoint = tcp://237.219.251.97:12027", False),
        ("multicast_endpoint = udp://237.219.251.97:0", False),
        ("logoutput = /var/log/circus.log", True),
        ("logoutput = syslog://localhost:514?daemon", True),
        ("logoutput = syslog:///dev/log?local0", True),
        ("logoutput = syslog:///dev/log", True),
        ("logoutput = syslog://localhost:514?nobody", False),
        ("logoutput = syslog://localhost:many", False),
        ("logoutput = syslog://", False),
    ],
)
def test_addresses_of_the_arbiter(tmp_path: Path, line: str, is_right: bool) -> None:
    text = f"[circus]\n{line}\n"
    if is_right:
        circus(tmp_path, text)
    else:
        (problem,) = mistakes(circus, tmp_path, text)
        assert (problem.option, problem.line) == (line.partition(" ")[0], 2)


def test_include_is_refused_in_a_paste_file(tmp_path: Path) -> None:
    (problem,) = mistakes(paste, tmp_path, "[circus]\ninclude = more.ini\n[watcher:w]\ncmd = cat\n")
    assert "is read in a Circus file only" in problem.message


def test_an_included_directory_may_hold_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "more.ini").write_text("[watcher:m]\ncmd = cat\n", encoding="utf-8")
    stack = circus(tmp_path, "[circus]\ninclude_dir = .\ninclude = m*.ini\n[watcher:w]\ncmd = cat\n")
    assert [each.name for each in stack.watchers] == ["w", "m"]
    assert [Path(each).name for each in stack.files] == ["circus.ini", "more.ini"]


def test_a_pattern_passes_directories_over(tmp_path: Path) -> None:
    (tmp_path / "conf.ini").mkdir()
    (tmp_path / "conf.ini" / "a.ini").write_text("[watcher:a]\ncmd = cat\n", encoding="utf-8")
    stack = circus(tmp_path, "[circus]\ninclude = conf*\n  conf.ini/[ab].ini\n[watcher:w]\ncmd = cat\n")
    assert [each.name for each in stack.watchers] == ["w", "a"]
    (problem,) = mistakes(circus, tmp_path, "[circus]\ninclude = conf.ini\n")
    assert "legal: include_dir = DIRECTORY" in str(problem)


def test_an_empty_section_is_ignored_as_in_circus(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:a]\n[socket:s]\n[plugin:p]\n[watcher:w]\ncmd = cat\n")
    assert [each.name for each in stack.watchers] == ["w"]
    assert (stack.sockets, stack.plugins, len(stack.warnings)) == ((), (), 3)
    assert len(mistakes(paste, tmp_path, "[watcher:a]\n[watcher:w]\ncmd = cat\n")) == 1


def test_included_files_are_read_anew_each_time(tmp_path: Path) -> None:
    more = tmp_path / "more.ini"
    main = "[circus]\ninclude = more.ini\n"
    for count in (1, 2):
        more.write_text(f"[watcher:m]\ncmd = cat\nnumprocesses = {count}\n", encoding="utf-8")
        stack = circus(tmp_path, main)
        assert stack.watchers[0].numprocesses == count
    assert stack.watchers[0].where["numprocesses"].file == str(more)
    more.unlink()
    assert WatcherConfig not in map(type, circus(tmp_path, main).watchers)
