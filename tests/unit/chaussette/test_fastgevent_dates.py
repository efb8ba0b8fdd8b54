"""The Date of a response."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from chaussette.backends.fastgevent.dates import http_date


# Up to the end of the year 9999.
@given(st.integers(0, 253402300799))
def test_dates_are_those_of_e_mail(seconds: int) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True)
