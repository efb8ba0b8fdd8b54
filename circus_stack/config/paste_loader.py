"""PasteDeploy's own loader, stopped before it imports anything: which entry point a section means, with which options.

Names, `use`, `set`, `get`, `filter-with`, `require`, defaults and interpolation are PasteDeploy's. What is ours: an
`egg:` or `call:` ends in a `Reference` in place of the loaded object, each option knows its line, and an error becomes
a mistake and a dead end, so that the walk goes on to the next.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from paste.deploy import loadwsgi

from circus_stack.config.document import Document, Entry, Section
from circus_stack.config.paste_context import LazyContext, Reference
from circus_stack.config.paste_reader import DEFAULT, read_paste
from circus_stack.config.paste_reasons import reason_of
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.scale_kinds import CONDITIONS
from circus_stack.config.source import read_text
from circus_stack.config.values import Location

# Nobody nests `use = config:` deeper on purpose.
_MAX_DEPTH = 50
_ENVIRON = re.compile(r"%\(ENV_([^)\s]+)\)s")
# A sign, and what makes it more than one.
_PERCENT = re.compile(r"%([%(])?")


class Files(Struct):
    """Every file that a stack is read from, each read once; `environ` and `variables` fill its defaults."""

    problems: Problems
    environ: Mapping[str, str]
    variables: Mapping[str, str]
    documents: dict[str, Document | None] = field(default_factory=dict)
    depth: int = 0

    def loader(self, path: str) -> LazyLoader | None:
        """A loader of that file, or None after its mistakes were added."""
        if path not in self.documents:
            text = read_text(Path(path), self.problems)
            self.documents[path] = None if text is None else read_paste(text, path, self.problems)
        document = self.documents[path]
        return None if document is None else LazyLoader(document, self)


class LazyLoader(loadwsgi.ConfigLoader):  # type: ignore[misc]
    """A ConfigLoader over a document that was read already."""

    def __init__(self, document: Document, files: Files) -> None:
        path = Path(document.path)
        self.document = document
        self.filename = document.path
        self.files = files
        # The sections that are being resolved, innermost last: a ring among them would recurse for ever.
        self._open: list[tuple[str, str]] = []
        self.parser = loadwsgi.NicerConfigParser(document.path)
        # Before any default: ConfigParser lower-cases the names that it is given otherwise.
        self.parser.optionxform = str
        given = {"here": str(path.parent.absolute()), "__file__": str(path.absolute())}
        given.update(_wanted_environ(document.text, files.environ))
        # A value from outside is meant as it stands; a % in it begins nothing.
        self.update_defaults({name: value.replace("%", "%%") for name, value in given.items()})
        self.parser.read_string(document.text)
        self.update_defaults(dict(files.variables), overwrite=False)

    def get_context(self, object_type: Any, name: str | None = None, global_conf: Any = None) -> Any:
        """As PasteDeploy's; what can't be resolved is a mistake and a context without a reference."""
        self.files.depth += 1
        try:
            if name is not None and self.absolute_name(name):
                return self._absolute(object_type, name, global_conf)
            return self._relative(object_type, name, global_conf)
        finally:
            self.files.depth -= 1

    def get_from(self, object_type: Any, section: Section, name: str, global_conf: Any) -> Any:
        """As `get_context`, of a name that an option of `section` mentions."""
        mark = (object_type.name, section.title)
        self._open.append(mark)
        try:
            return self.get_context(object_type, name, global_conf)
        finally:
            self._open.pop()

    def _absolute(self, object_type: Any, uri: str, global_conf: Any) -> Any:
        scheme, _, rest = uri.partition(":")
        scheme = scheme.lower()
        target, _, name = rest.partition("#")
        if scheme in ("egg", "call"):
            return LazyContext(Reference(scheme, target, name), object_type, None, global_conf, {}, self)
        if scheme == "config":
            return self._other_file(object_type, uri, global_conf)
        return self._dead_end(
            object_type,
            f"{uri!r} has a scheme that PasteDeploy does not know",
            word=uri,
            legal="egg:, config: or call:",
        )

    def _other_file(self, object_type: Any, uri: str, global_conf: Any) -> Any:
        target, _, name = uri.partition(":")[2].partition("#")
        path = Path(self.filename).absolute().parent / loadwsgi.unquote(target)
        if not path.is_file():
            return self._dead_end(object_type, f"the file {path} does not exist", word=uri)
        if self.files.depth > _MAX_DEPTH:
            return self._dead_end(object_type, "leads back to itself by way of another file", word=uri)
        other = self.files.loader(str(path))
        if other is None:
            return self._dead_end(object_type, f"the file {path} cannot be used", word=uri)
        names = other.names(object_type)
        if (name or "main") not in names:
            message = f"there is no {object_type.name} named {name or 'main'!r} in {path}"
            near = nearest(name, names)
            return self._dead_end(object_type, message, word=uri, legal=", ".join(names), near=near)
        # PasteDeploy: what the outer file defines fills the gaps of the inner one, so that its %(NAME)s find it.
        other.update_defaults(global_conf or {}, overwrite=False)
        return other.get_context(object_type, name or "main", global_conf)

    def _relative(self, object_type: Any, name: str | None, global_conf: Any) -> Any:
        try:
            section = self.find_config_section(object_type, name=name)
        except LookupError as error:
            return self._missing(object_type, name, error)
        mark = (object_type.name, section)
        if mark in self._open:
            ring = " -> ".join([*(title for _, title in self._open[self._open.index(mark) :]), section])
            return self._dead_end(object_type, f"leads back to itself: {ring}", word=name or "")
        self._open.append(mark)
        try:
            context = super().get_context(object_type, name, global_conf)
        except configparser.Error:
            context = self._not_interpolated(object_type, section)
        except Exception as error:
            # PasteDeploy raises LookupError, KeyError, ImportError or ValueError for a bad section.
            context = self._dead_end(object_type, reason_of(error), section=section)
        finally:
            self._open.pop()
        self._remember_lines(context, section)
        return context

    def _not_interpolated(self, object_type: Any, title: str) -> LazyContext:
        """A mistake for each value of the section, and of the defaults, that can't be interpolated."""
        for each in (DEFAULT, title):
            section = self.document.find(each)
            if section is not None:
                self.interpolated(section)
        return LazyContext(Reference(), object_type, None, {}, {}, self)

    def _pipeline_app_context(
        self, object_type: Any, section: str, name: Any, global_conf: Any, local_conf: Any, global_additions: Any
    ) -> Any:
        """As PasteDeploy's, which stops at the first option too many."""
        for key in [each for each in local_conf if each != "pipeline"]:
            message = "is not allowed: a pipeline has no options of its own"
            self._dead_end(object_type, message, section=section, option=key, legal="pipeline")
            del local_conf[key]
        return super()._pipeline_app_context(object_type, section, name, global_conf, local_conf, global_additions)

    def _remember_lines(self, context: Any, section: str) -> None:
        found = self.document.find(section)
        if isinstance(context, LazyContext) and found is not None:
            # An outer section overrides what its `use` brought.
            context.section = found
            context.where.update((entry.key, entry.where) for entry in found.entries)
            context.where[""] = found.where

    def _context_from_explicit(
        self, object_type: Any, local_conf: Any, global_conf: Any, _additions: Any, section: str
    ) -> Any:
        protocols = [name for group in object_type.egg_protocols for name in group if name in local_conf]
        if not protocols:
            legal = "use = ..., or " + ", ".join(name for group in object_type.egg_protocols for name in group)
            return self._dead_end(object_type, "does not say what to load", section=section, legal=legal)
        target, _, name = local_conf.pop(protocols[0]).partition(":")
        return LazyContext(
            Reference("call", f"{target}:{name}"), object_type, protocols[0], global_conf, local_conf, self
        )

    def _missing(self, object_type: Any, name: str | None, error: LookupError) -> Any:
        if "mbiguous" in str(error):
            return self._dead_end(object_type, reason_of(error), word=name or "")
        names = self.names(object_type)
        message = f"there is no {object_type.name} named {name or 'main'!r}"
        legal = ", ".join(names) or f"a section [{_prefixes(object_type)[0]}:{name or 'main'}]"
        return self._dead_end(object_type, message, word=name or "", legal=legal, near=nearest(name or "main", names))

    def names(self, object_type: Any) -> tuple[str, ...]:
        """The names that sections of this file give to objects of a type."""
        prefixes = _prefixes(object_type)
        return tuple(each.name for each in self.document.sections if each.kind in prefixes and each.name)

    def _dead_end(
        self,
        object_type: Any,
        message: str,
        *,
        section: str = "",
        option: str = "",
        word: str = "",
        legal: str = "",
        near: str = "",
    ) -> LazyContext:
        title = section or (self._open[-1][1] if self._open else "")
        where, key = self._place(title, option, word)
        self.files.problems.add(message, where, section=title, option=option or key, legal=legal, nearest=near)
        return LazyContext(Reference(), object_type, None, {}, {}, self)

    def _place(self, title: str, option: str, word: str) -> tuple[Location, str]:
        """Where a section says `option`, or mentions `word` as a whole."""
        section = self.document.find(title)
        if section is None:
            return Location(self.filename), ""
        for entry in section.entries:
            if entry.key == option or (word and word in entry.value.split()):
                return entry.where, entry.key
        return section.where, ""

    def interpolated(self, section: Section) -> Section:
        """The section with its values interpolated; a value that can't be is a mistake, and stays as written."""

        def value(entry: Entry) -> str:
            return self.value(section, entry)

        return section.map_values(value)

    def value(self, section: Section, entry: Entry) -> str:
        """One interpolated value."""
        if entry.key in CONDITIONS:
            # A condition has percent signs, and no reader but this one gets to see it.
            self._write_signs_twice(section, entry)
        try:
            found: str = self.parser.get(section.title, entry.key)
        except configparser.Error as error:
            self.files.problems.add(reason_of(error), entry.where, section=section.title, option=entry.key)
            return entry.value
        return found

    def _write_signs_twice(self, section: Section, entry: Entry) -> None:
        raw: str = self.parser.get(section.title, entry.key, raw=True)
        self.parser.set(section.title, entry.key, _PERCENT.sub(lambda match: match[0] if match[1] else "%%", raw))


def _prefixes(object_type: Any) -> list[str]:
    return [prefix for group in object_type.config_prefixes for prefix in group]


def _wanted_environ(text: str, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Only what the text mentions: an application is handed all defaults as its global configuration."""
    names = dict.fromkeys(match[1] for match in _ENVIRON.finditer(text))
    return [(f"ENV_{name}", environ[name]) for name in names if name in environ]
