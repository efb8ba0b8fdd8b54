"""CURVE keys as text: one key, the file of a key pair, and the list of those that may come in. Pure; no file is read.

A key is 32 bytes, written in Z85 as 40 characters. Z85 has `#` and `=` among its characters, so that no line is cut at
those: a word ends at a blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from circus_stack.protocol.roles import Role

LENGTH = 40
LEGAL_KEY = f"{LENGTH} characters of Z85, as circus-stack keygen makes them"
LEGAL_LINE = f"{', '.join(Role)}, then a public key, then a name"
# rfc.zeromq.org/spec/32
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_GROUP = 5
_HEAD_SECRET = "# The secret key of {title}. Whoever can read it is taken for its owner."
_PUBLIC, _SECRET, _SERVER = "public-key", "secret-key", "server-key"


def is_key(text: str) -> bool:
    """Whether a text is 32 bytes in Z85: five characters are a number below 2**32."""
    if len(text) != LENGTH or any(each not in _ALPHABET for each in text):
        return False
    return all(_value(text[at : at + _GROUP]) < 2**32 for at in range(0, LENGTH, _GROUP))


def _value(group: str) -> int:
    value = 0
    for each in group:
        value = value * len(_ALPHABET) + _ALPHABET.index(each)
    return value


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key pair; that of a client also knows the public key of its server, empty in the server's own."""

    public: str
    secret: str = field(repr=False)
    server: str = ""

    def text(self, title: str) -> str:
        """The file; `title` says whose it is."""
        lines = [_HEAD_SECRET.format(title=title), f"{_PUBLIC} {self.public}", f"{_SECRET} {self.secret}"]
        return "\n".join([*lines, *([f"{_SERVER} {self.server}"] if self.server else []), ""])


def parse_key_file(text: str) -> KeyFile:
    """Read what `KeyFile.text` gives. Raises ValueError, whose text holds nothing of a key."""
    values = _values(text)
    missing = [name for name in (_PUBLIC, _SECRET) if name not in values]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    return KeyFile(values[_PUBLIC], values[_SECRET], values.get(_SERVER, ""))


def parse_server_key(text: str) -> str:
    """The public key of a server: the bare key, or the one in a key file. Raises ValueError."""
    if is_key(text.strip()):
        return text.strip()
    values = _values(text)
    found = values.get(_SERVER) or values.get(_PUBLIC)
    if not found:
        raise ValueError(f"it has no {_PUBLIC}")
    return found


def _values(text: str) -> Mapping[str, str]:
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, _, value = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        if name not in (_PUBLIC, _SECRET, _SERVER):
            raise ValueError(f"line {number} does not begin with {_PUBLIC}, {_SECRET} or {_SERVER}")
        if not is_key(value.strip()):
            raise ValueError(f"line {number}: {name} is not {LEGAL_KEY}")
        values[name] = value.strip()
    return values


class AuthorizedKey(Struct, frozen=True):
    """A client that may come in: what it may do, its public key, and whose it is."""

    role: Role
    public: str
    name: str = ""

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.role} {self.public} {self.name}".rstrip()


class Mistake(Struct, frozen=True):
    """A line of the list that cannot be read."""

    line: int
    message: str
    legal: str = LEGAL_LINE


def parse_authorized(text: str) -> tuple[tuple[AuthorizedKey, ...], tuple[Mistake, ...]]:
    """The keys of a list, and its mistakes: one key a line, `ROLE PUBLIC-KEY NAME`; `#` begins a comment."""
    keys: dict[str, AuthorizedKey] = {}
    mistakes = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        mistake = _mistake_in(words, keys)
        if mistake:
            mistakes.append(Mistake(number, mistake))
        else:
            keys[words[1]] = AuthorizedKey(Role(words[0]), words[1], " ".join(words[2:]).strip())
    return tuple(keys.values()), tuple(mistakes)


def _mistake_in(words: list[str], keys: Mapping[str, AuthorizedKey]) -> str:
    if words[0] not in tuple(Role):
        return f"{words[0][:LENGTH]!r} is no role"
    if len(words) < 2 or not is_key(words[1]):
        return f"the role {words[0]} is not followed by a public key"
    # Two roles for one key: which of them counts must not hang on the order of lines.
    return "this key stands here twice" if words[1] in keys else ""
