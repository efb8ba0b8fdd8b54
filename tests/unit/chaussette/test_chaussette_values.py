"""The text of an option and its value."""

from __future__ import annotations

import pytest

from chaussette import values


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.whole_number, "0", 0),
        (values.count, "4", 4),
        (values.port, "65535", 65535),
        (values.seconds, "0.5", 0.5),
        (values.flag, "Yes", True),
        (values.flag, "off", False),
        (values.log_level, "WARNING", "warning"),
        (values.address_family, "af_inet6", "AF_INET6"),
        (values.variable, "a=b=c", ("a", "b=c")),
    ],
)
def test_legal(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.whole_number, "-1"),
        (values.count, "0"),
        (values.port, "65536"),
        (values.seconds, "-1"),
        (values.seconds, "inf"),
        (values.seconds, "nan"),
        (values.flag, "maybe"),
        (values.log_level, "loud"),
        (values.socket_type, "SOCK_RAW"),
        (values.variable, "=b"),
        (values.variable, "a"),
    ],
)
def test_illegal_is_told_with_the_text(parse, text):
    with pytest.raises(ValueError, match=text):
        parse(text)
