"""Writes what was changed at run time back into the texts of the files that a stack was read from. Pure.

Comments, order, included files and every byte that has nothing to do with a change stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from circus_stack.config.composites import HOOK_PREFIX, RLIMIT_PREFIX, parse_env
from circus_stack.config.dialect import APP, CIRCUS, PASTE
from circus_stack.config.document import Section
from circus_stack.config.environment import read_environment
from circus_stack.config.ini_file import IniFile
from circus_stack.config.masking import mask_command
from circus_stack.config.option import spellings
from circus_stack.config.option_text import composite_texts, option_texts
from circus_stack.config.plugin_section import NOT_THE_WATCHERS, PREFIX
from circus_stack.config.scale_kinds import COUNT, RANGE
from circus_stack.config.schema import SourceKind, StackConfig, WatcherConfig
from circus_stack.config.watcher_section import usual_readiness

_DIALECTS = {SourceKind.CIRCUS: CIRCUS, SourceKind.PASTE: PASTE, SourceKind.APP: APP}
_DECLARED = spellings(WatcherConfig)


class Saved(Struct, frozen=True):
    """Path -> new text of the files that differ, a line for each change, and one for each that no file can say."""

    texts: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()


def save_changes(texts: Mapping[str, str], declared: StackConfig, running: Sequence[WatcherConfig]) -> Saved:
    """Write the difference of two states of the same stack: what its files say, and what holds.

    `texts` is path -> text of each of `declared.files`, the main file first; `running` are the watchers as they are
    now. A stack without a file has nothing to be written into.
    """
    saving = _Saving(texts, declared)
    before = {each.name: each for each in declared.watchers}
    after = {each.name: each for each in running}
    for name, watcher in after.items():
        if name not in before:
            saving.add(watcher)
        elif before[name] != watcher:
            saving.change(before[name], watcher)
    for name in before:
        if name not in after:
            saving.remove(name)
    return saving.result()


class _Saving:
    """The files as they are changed, one after the other."""

    def __init__(self, texts: Mapping[str, str], stack: StackConfig) -> None:
        self._stack = stack
        self._texts = texts
        is_paste = stack.kind is not SourceKind.CIRCUS
        self._files = {path: IniFile.of(path, text, is_paste=is_paste) for path, text in texts.items()}
        self._changes: list[str] = []
        self._unsaved: list[str] = []

    def result(self) -> Saved:
        """What has become of it."""
        changed = {path: file.text for path, file in self._files.items() if file.text != self._texts[path]}
        return Saved(changed, tuple(self._changes), tuple(self._unsaved))

    # -- watchers ---------------------------------------------------------------------------------------------

    def add(self, watcher: WatcherConfig) -> None:
        """A section of its own at the end of the main file."""
        title = f"watcher:{watcher.name}"
        if not self._files:
            self._unsaved.append(f"[{title}]: the stack was read from no file")
            return
        defaults = _DIALECTS[self._stack.kind].watcher_defaults
        base = WatcherConfig(name=watcher.name, ready=usual_readiness(watcher.cmd), **defaults)
        path, main = next(iter(self._files.items()))
        try:
            texts = {**option_texts(watcher, base), **composite_texts(watcher)}
            if watcher.env:
                texts["env"] = _env_text(watcher.env)
            self._files[path] = main.with_section(title, [(key, main.written(text)) for key, text in texts.items()])
        except ValueError as error:
            self._unsaved.append(f"[{title}]: {error}")
            return
        self._changes.append(f"+ [{title}]")
        for key, place in self._common_variables(watcher.name).items():
            if key not in watcher.env:
                self._unsaved.append(f"[{title}] env: {key} is set in {place}, and holds from the next start on")

    def remove(self, name: str) -> None:
        """Its sections go, of every file."""
        kind, short = self._place(name)
        found = False
        for path, file in self._files.items():
            section = file.section(kind, short)
            if section is not None:
                self._files[path] = file.without_section(section)
                found = True
        if found:
            self._changes.append(f"- [{kind}:{short}]")
        else:
            self._unsaved.append(f"[{kind}:{short}]: no file has this section, so that it comes back at the next start")

    def change(self, before: WatcherConfig, after: WatcherConfig) -> None:
        """One option after the other."""
        try:
            texts = option_texts(after, before)
        except ValueError as error:
            self._unsaved.append(f"[{':'.join(self._place(after.name))}] {error}")
            texts = {}
        if "reload_mode" in texts and "send_hup" in before.where:
            texts["send_hup"] = str(after.send_hup)
        for key, text in self._with_range(before, after, texts).items():
            self._write(after.name, key, text)
        old, new = composite_texts(before), composite_texts(after)
        for key, text in new.items():
            if old.get(key) != text:
                self._write(after.name, key, text)
        for key in old:
            if key not in new:
                self._drop(after.name, key)
        if before.env != after.env:
            self._write_env(before, after)

    def _with_range(self, before: WatcherConfig, after: WatcherConfig, texts: Mapping[str, str]) -> dict[str, str]:
        """What the autoscaler has made of a number is nobody's wish for the next start; a range is written as the file
        writes it."""
        found = {key: text for key, text in texts.items() if key != COUNT or after.scale_range is None}
        if RANGE not in found:
            return found
        place = self._find(after.name, (RANGE,))
        if place is None or place[1].find(RANGE) is None:
            del found[RANGE]
            found[COUNT] = str(after.scale_range or after.numprocesses)
        elif after.scale_range is not None and before.numprocesses not in after.scale_range:
            found[COUNT] = str(after.scale_range.clamp(before.numprocesses))
        return found

    # -- options ----------------------------------------------------------------------------------------------

    def _place(self, name: str) -> tuple[str, str]:
        """Kind and name of the section that a watcher is declared in."""
        plugins = {PREFIX + each.name: each.name for each in self._stack.plugins}
        if name in plugins:
            return "plugin", plugins[name]
        return ("service" if any(each.name == name for each in self._stack.services) else "watcher"), name

    def _find(self, name: str, keys: Sequence[str]) -> tuple[str, Section, str] | None:
        """The file, the section and the spelling that count of an option; the first file with the section for one that
        stands nowhere yet."""
        kind, short = self._place(name)
        first: tuple[str, Section, str] | None = None
        for path, file in self._files.items():
            section = file.section(kind, short)
            if section is None:
                continue
            for entry in section.entries:
                if entry.key in keys:
                    return path, section, entry.key
            first = first or (path, section, keys[0])
        return first

    def _write(self, name: str, key: str, text: str, *, is_written: bool = False) -> None:
        """Set an option; `is_written`: the text is in the dialect's form already."""
        kind, short = self._place(name)
        line = f"[{kind}:{short}] {key}"
        if kind == "plugin" and key in NOT_THE_WATCHERS:
            self._unsaved.append(f"{line}: a plugin's command is made from its section")
            return
        found = self._find(name, self._spellings(name, key))
        try:
            if found is not None:
                path, section, spelling = found
                file = self._files[path]
                self._files[path] = file.with_option(section, spelling, text if is_written else file.written(text))
            elif self._files:
                path, file = next(iter(self._files.items()))
                written = text if is_written else file.written(text)
                self._files[path] = file.with_section(f"{kind}:{short}", [(key, written)])
            else:
                raise ValueError("the stack was read from no file")
        except ValueError as error:
            self._unsaved.append(f"{line}: {error}")
            return
        self._changes.append(f"~ {line}" if key == "env" else f"~ {line} = {mask_command(text)}")

    def _spellings(self, name: str, key: str) -> tuple[str, ...]:
        option = _DECLARED.get(key)
        if option is not None:
            return (option.name, *option.aliases)
        if not key.startswith(RLIMIT_PREFIX):
            return (key,)
        # A limit's name counts in any case.
        kind, short = self._place(name)
        sections = [section for file in self._files.values() if (section := file.section(kind, short)) is not None]
        written = [entry.key for section in sections for entry in section.entries]
        same = [RLIMIT_PREFIX + each.removeprefix(RLIMIT_PREFIX).lower() for each in written]
        return (key, *(each for each, lower in zip(written, same, strict=True) if lower == key))

    def _drop(self, name: str, key: str) -> None:
        """No file may say it any more: what the first of them hid would count then."""
        kind, short = self._place(name)
        is_found = False
        for spelling in self._spellings(name, key):
            for path, file in self._files.items():
                section = file.section(kind, short)
                if section is not None and section.find(spelling) is not None:
                    self._files[path] = file.without_option(section, spelling)
                    is_found = True
        if is_found:
            self._changes.append(f"- [{kind}:{short}] {key}")
        elif not key.startswith(HOOK_PREFIX):
            self._unsaved.append(f"[{kind}:{short}] {key}: no file sets it, so that none can leave it out")

    def _write_env(self, before: WatcherConfig, after: WatcherConfig) -> None:
        """The watcher's own `env` is laid over what [env] and [env:PATTERN] set; it can't take a variable away."""
        found = self._find(after.name, ("env",))
        entry = found[1].find("env") if found is not None else None
        try:
            own = parse_env(entry.value) if entry is not None else {}
        except ValueError:
            own = {}
        changed = {key: value for key, value in after.env.items() if before.env.get(key) != value}
        kept = {key: value for key, value in own.items() if key in after.env}
        common = self._common_variables(after.name)
        for key in before.env:
            if key not in after.env and key in common:
                kind, short = self._place(after.name)
                self._unsaved.append(f"[{kind}:{short}] env: {key} is set in {common[key]}, and stays")
        # What stands there already has its % and variables as the dialect writes them.
        main = next(iter(self._files.values()), None)
        wanted = {**kept, **{key: main.written(value) if main and value else value for key, value in changed.items()}}
        if wanted == own:
            return
        if not wanted:
            self._drop(after.name, "env")
            return
        try:
            text = _env_text(wanted)
        except ValueError as error:
            kind, short = self._place(after.name)
            self._unsaved.append(f"[{kind}:{short}] env: {error}")
            return
        self._write(after.name, "env", text, is_written=True)

    def _common_variables(self, name: str) -> dict[str, str]:
        """Name of each variable that a section [env...] sets for the watcher -> the section's title."""
        sections = [each for file in self._files.values() for each in file.document.sections if each.kind == "env"]
        layers = read_environment(sections, {}).layers
        return {key: f"[{each.title}]" for each in layers if each.matches(name) for key in each.variables}


def _env_text(env: Mapping[str, str]) -> str:
    text = ",".join(f"{name}={value}" for name, value in env.items())
    if parse_env(text) != dict(env):
        names = [name for name, value in env.items() if parse_env(f"{name}={value}") != {name: value}]
        raise ValueError(f"a value of {' '.join(names)} holds what ends a variable; write it in [env:NAME]")
    return text
