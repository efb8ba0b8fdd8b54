"""What fails in a tick is told once, and stops nothing."""

import pytest

from circus_stack.stats.attempts import Attempts


def test_a_part_that_fails_is_told_once_until_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    outcomes = [OSError("broken"), OSError("broken"), None, OSError("broken")]

    def attempt() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    attempts = Attempts()
    seen = []
    for _ in range(4):
        attempts.make("sockets", attempt)
        seen.append(set(attempts.failing))
    assert seen == [{"sockets"}, {"sockets"}, set(), {"sockets"}]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO", "ERROR"]
    assert "OSError: broken" in caplog.text


def test_who_asks_for_the_end_gets_it() -> None:
    def attempt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Attempts().make("sockets", attempt)
