"""The exceptions of `circus.exc`."""

from __future__ import annotations

from circus_stack.errors import CallError, CommandError


class AlreadyExist(CommandError):  # noqa: N818 - Circus's own name
    """A watcher of that name exists already."""


class MessageError(CommandError):
    """A message is not what its command takes."""


class ArgumentError(MessageError):
    """A property of a command is missing or wrong."""


__all__ = ["AlreadyExist", "ArgumentError", "CallError", "MessageError"]
