"""gunicorn.conf.py to our ini, by the table that also serves the gunicorn section of a Paste ini. Pure."""

from __future__ import annotations

import shlex
from typing import Any

from circus_stack.config.document import Entry, Section
from circus_stack.config.foreign import THREADED
from circus_stack.config.gunicorn import GUNICORN, KNOWN, translate_gunicorn
from circus_stack.config.problems import Problems
from circus_stack.config.spec import LEGAL_APP, is_application
from circus_stack.config.values import Location
from circus_stack.moving.draft import Draft, DraftSection, Remark, written
from circus_stack.moving.gunicorn.expression import Machine
from circus_stack.moving.gunicorn.hooks import HOOKS
from circus_stack.moving.gunicorn.settings import Found, Setting, Unknown, read_settings
from circus_stack.moving.variables import write_environment

# Read here and not by the table: they go to other sections, or need another form.
_OWN = ("wsgi_app", "bind", "raw_env", "chdir", "errorlog", "capture_output", "umask", "worker_class")
# What the table has no reason for.
_REASONS = {
    "statsd_host": "a plugin sends figures to statsd: [plugin:statsd], docs/plugins.md",
    "statsd_prefix": "a plugin sends figures to statsd: [plugin:statsd], docs/plugins.md",
    "logconfig": "the application configures its own logging",
    "logconfig_dict": "the application configures its own logging",
    "reload_extra_files": "watch_files in [server:main], with --reload",
    "check_config": "circus-stack check reads the ini and starts nothing",
    "spew": "it is for debugging gunicorn",
    "initgroups": "a worker always gets the groups of its user",
    "worker_tmp_dir": "workers write no heartbeat files",
    "disable_redirect_access_to_syslog": "there is no access log to redirect",
    "syslog": "[watcher:web] stderr_stream.class = SyslogStream",
    "limit_request_line": "the backend's own limit holds",
    "limit_request_fields": "the backend's own limit holds",
    "limit_request_field_size": "the backend's own limit holds",
    "sendfile": "the backend decides",
    "reuse_port": "[socket:NAME] so_reuseport = true with a watcher of your own",
    "default_proc_name": "name in [circus] is the name of the stack",
}
_USUAL_BIND = "127.0.0.1:8000"


def import_gunicorn(source: str, path: str, directory: str, app: str, machine: Machine, problems: Problems) -> Draft:
    """The draft. `directory` is the project's, written for the ini; `app` is what the command line says."""
    draft = Draft()
    try:
        found = read_settings(source, machine)
    except SyntaxError as error:
        problems.add(f"is no Python: {error.msg}", Location(path, error.lineno or 0))
        return draft
    except ValueError as error:
        problems.add(str(error), Location(path))
        return draft
    server, web = draft.section("server:main"), draft.section("watcher:web")
    server.add("use", "egg:circus-stack")
    server.add("app", written(_application(found, app, path, problems)))
    server.add("listen", written(" ".join(_addresses(found.settings.get("bind")))))
    _translate_table(found, path, draft, problems)
    _translate_mask(found, path, draft, problems)
    web.add("working_dir", _directory(found.settings.get("chdir"), directory))
    _translate_logs(found, web)
    _translate_environment(found, path, draft, problems)
    server.remarks += _remarks(found, path)
    return draft


def _application(found: Found, app: str, path: str, problems: Problems) -> str:
    setting = found.settings.get("wsgi_app")
    name = app or (str(setting.value) if setting is not None else "")
    where = Location(path, setting.line) if setting is not None and not app else Location(path)
    if not name:
        problems.add("names no application (wsgi_app): say it with --app MODULE:APP", where)
    elif ":" not in name and not app:
        # gunicorn's own default for a module alone.
        name = f"{name}:application"
    if name and not is_application(name):
        problems.add("is no application", where, option="wsgi_app", found=name, legal=LEGAL_APP)
    return name


def _addresses(setting: Setting | None) -> list[str]:
    value = setting.value if setting is not None else None
    given = value if isinstance(value, list | tuple) else str(value or _USUAL_BIND).split(",")
    return [_address(str(each).strip()) for each in given if str(each).strip()]


def _address(text: str) -> str:
    if text.startswith("unix:"):
        return f"unix:{text.removeprefix('unix:').removeprefix('//')}"
    text = text.removeprefix("tcp://")
    if text.startswith(":"):
        return f"*{text}"
    if text.isdecimal():
        return f"*:{text}"
    has_port = ":" in text.rpartition("]")[2]
    return text if has_port else f"{text}:8000"


def _directory(setting: Setting | None, directory: str) -> str:
    return directory if setting is None else written(str(setting.value))


def _translate_table(found: Found, path: str, draft: Draft, problems: Problems) -> None:
    """By the table of `[server:main] use = egg:gunicorn`: what is honoured there is honoured here."""
    entries = [
        Entry(name, _text(setting.value), Location(path, setting.line))
        for name, setting in found.settings.items()
        if name in KNOWN and name not in (set(_OWN) - {"worker_class"}) and setting.value is not None
    ]
    told = Problems()
    result = translate_gunicorn(Section("server:main", Location(path), tuple(entries)), told)
    for mistake in told.mistakes:
        problems.add(
            mistake.message,
            Location(path, mistake.line),
            option=mistake.option,
            found=mistake.found,
            legal=mistake.legal,
        )
    server = draft.section("server:main")
    if result.backends is not THREADED:
        server.add("backend", result.backends[-1] if "gevent" in result.backends else result.backends[0])
    for entry in result.server:
        if entry.key not in ("host", "port"):
            server.add(entry.key, written(entry.value))
    for title, target in (("circus", result.circus), ("watcher:web", result.watcher)):
        for entry in target:
            draft.section(title).add(entry.key, written(entry.value))
    for warning in told.warnings:
        text = found.settings[warning.option].text if warning.option in found.settings else warning.option
        server.remarks.append(Remark(Location(path, warning.line), text, warning.message))


def _translate_mask(found: Found, path: str, draft: Draft, problems: Problems) -> None:
    """gunicorn makes its unix sockets under its mask, by default 0; its workers get it only in the background."""
    setting = found.settings.get("umask")
    try:
        mask = 0 if setting is None else _octal(setting.value)
    except ValueError:
        where = Location(path, setting.line if setting else 0)
        problems.add("is no file mode mask", where, option="umask", found=setting.text if setting else "")
        return
    server = draft.section("server:main")
    if "unix:" in dict(server.options)["listen"]:
        server.add("unix_socket_perms", f"{0o777 & ~mask:04o}")
    daemon = found.settings.get("daemon")
    if daemon is not None and daemon.value:
        draft.section("circus").add("umask", f"{mask:03o}")


def _octal(value: Any) -> int:
    """A number, or a text with one as Python writes it."""
    mask = value if isinstance(value, int) else int(str(value), 0)
    if not 0 <= mask <= 0o777:
        raise ValueError("out of range")
    return mask


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def _translate_logs(found: Found, web: DraftSection) -> None:
    """gunicorn's error log is what its workers say; here that is their stderr."""
    setting = found.settings.get("errorlog")
    if setting is None or setting.value in ("-", None):
        return
    streams = ["stderr"]
    captured = found.settings.get("capture_output")
    if captured is not None and captured.value:
        streams.append("stdout")
    for stream in streams:
        web.add(f"{stream}_stream.class", "FileStream")
        web.add(f"{stream}_stream.filename", written(str(setting.value)))


def _translate_environment(found: Found, path: str, draft: Draft, problems: Problems) -> None:
    setting = found.settings.get("raw_env")
    if setting is None or not setting.value:
        return
    pairs = setting.value if isinstance(setting.value, list | tuple) else shlex.split(str(setting.value))
    variables: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = str(pair).partition("=")
        if equals and name:
            variables[name] = written(value)
        else:
            problems.add("is no NAME=VALUE", Location(path, setting.line), option="raw_env", found=str(pair))
    write_environment(draft, draft.section("watcher:web"), "web", variables)


def _remarks(found: Found, path: str) -> list[Remark]:
    """What the table doesn't know: hooks, further settings, statements that only executing would tell about."""
    remarks = [_computed(setting, path) for name, setting in found.settings.items() if setting.asked and _counts(name)]
    remarks += [
        Remark(Location(path, setting.line), setting.text, _REASONS[name])
        for name, setting in found.settings.items()
        if name in _REASONS and setting.value not in (None, False, "")
    ]
    remarks += [
        Remark(Location(path, function.line), function.text, f"the hook is not called: {HOOKS[name]}")
        for name, function in found.functions.items()
        if name in HOOKS
    ]
    remarks += [_undecided(unknown, path) for unknown in found.unknown]
    return sorted(remarks, key=lambda each: each.where.line)


def _counts(name: str) -> bool:
    return name in GUNICORN.keys or name in _OWN


def _computed(setting: Setting, path: str) -> Remark:
    asked = ", ".join(dict.fromkeys(setting.asked))
    why = f"it is {_text(setting.value)!r} here and now ({asked}); gunicorn computes it at each start"
    if "processors" in asked:
        why += ". workers = auto is one a processor, at each start"
    return Remark(Location(path, setting.line), setting.text, why)


def _undecided(unknown: Unknown, path: str) -> Remark:
    why = f"nothing of the file is executed: {unknown.why}. Write the option by hand"
    return Remark(Location(path, unknown.line), unknown.text, why)
