"""The options of the layers are read by the same rules in an ini and on chaussette's command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaussette import values
from chaussette.layers.access_format import FIELD_NAMES
from chaussette.layers.proxy_headers import HEADERS
from circus_stack.config import layer_kinds
from circus_stack.config.option import Kind

TEXTS = {
    "networks": ("10.0.0.0/8, unix *", "::1", "10.0.0.1/8", "host", "", "1.2.3.4 5"),
    "headers": ("X-Forwarded-For x-forwarded-proto", "forwarded", "forwarded x-forwarded-for", "via", ""),
    "format": ("combined", "json", "{status} {header:X-A}", "{no}", "{status", "a\nb", "\u00e9", "{header:}"),
    "path": ("/-/health", "", "health", "/a b", "/\u00e9"),
}
PAIRS: dict[str, tuple[Kind, Callable[[str], str]]] = {
    "networks": (layer_kinds.NETWORKS, values.networks),
    "headers": (layer_kinds.PROXY_HEADERS, values.proxy_headers),
    "format": (layer_kinds.LOG_FORMAT, values.log_format),
    "path": (layer_kinds.URL_PATH, values.url_path),
}


def outcome(parse: Callable[[str], str], text: str) -> str | None:
    try:
        return parse(text)
    except ValueError:
        return None


def test_the_names_are_the_same() -> None:
    assert layer_kinds.HEADERS == HEADERS
    assert layer_kinds.FIELDS == FIELD_NAMES


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_a_text_is_legal_to_both_or_to_none(name: str, text: str) -> None:
    kind, parse = PAIRS[name]
    assert outcome(kind.parse, text) == outcome(parse, text)
