"""circus-top's words: what it refuses before it looks for anybody."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from circus_stack.cli.circus_top import circus_top


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "--csv"], "exclude each other"),
        (["--sort", "nonsense"], "'nonsense' is not one of"),
        (["--process-timeout", "0"], "--process-timeout"),
        (["--nonsense"], "--nonsense"),
        ([], "there is no terminal to draw on: --once, --json or --csv"),
    ],
)
def test_wrong_words_are_told(words: list[str], said: str) -> None:
    done = CliRunner().invoke(circus_top, words)
    assert done.exit_code == 2
    assert said in done.output


def test_the_help_shows_ways_to_use_it() -> None:
    done = CliRunner().invoke(circus_top, ["--help"])
    assert done.exit_code == 0
    assert "circus-top --once --csv > now.csv" in done.output
