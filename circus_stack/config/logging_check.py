"""The logging sections of a Paste file: what would stop `logging.config.fileConfig` is told before a worker starts."""

from __future__ import annotations

from circus_stack.config.document import Section
from circus_stack.config.paste_loader import LazyLoader
from circus_stack.config.problems import nearest

# Kind of section -> prefix of the sections that its `keys` name.
_LISTS = {"loggers": "logger", "handlers": "handler", "formatters": "formatter"}
# What fileConfig reads with interpolation; a formatter's own values are read raw.
_INTERPOLATED = ("level", "handlers", "class", "args", "kwargs", "formatter", "propagate", "qualname")


def check_logging(loader: LazyLoader) -> None:
    """Add mistakes for names without a section and for values that can't be interpolated. No [loggers]: no logging."""
    document = loader.document
    if document.find("loggers") is None:
        return
    for title, prefix in _LISTS.items():
        section = document.find(title)
        keys = section.find("keys") if section is not None else None
        if section is None or keys is None:
            problems = loader.files.problems
            where = (section or document.sections[0]).where
            problems.add(
                "is needed beside [loggers]", where, section=title, option="keys", legal="names, comma-separated"
            )
            continue
        for name in filter(None, (each.strip() for each in loader.value(section, keys).split(","))):
            _check_member(loader, section, f"{prefix}_{name}", prefix)


def _check_member(loader: LazyLoader, listing: Section, title: str, prefix: str) -> None:
    member = loader.document.find(title)
    if member is None:
        others = [each for each in loader.document.titles() if each.startswith(f"{prefix}_")]
        keys = listing.find("keys")
        loader.files.problems.add(
            f"there is no section [{title}]",
            keys.where if keys else listing.where,
            section=listing.title,
            option="keys",
            nearest=nearest(title, others),
        )
        return
    for entry in member.entries:
        if entry.key in _INTERPOLATED and prefix != "formatter":
            loader.value(member, entry)
