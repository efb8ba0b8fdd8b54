"""When the machine lets no arbiter look into what another one has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.arbiter.adoption import withheld


@pytest.mark.parametrize(
    ("scope", "is_powerful", "is_withheld"),
    [
        ("0", False, False),
        ("1", False, True),
        ("1", True, False),
        ("2", True, False),
        ("3", True, True),
        ("nonsense", False, False),
    ],
)
def test_yama(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str, is_powerful: bool, is_withheld: bool
) -> None:
    monkeypatch.setattr(withheld, "sees_all", lambda: is_powerful)
    yama = tmp_path / "ptrace_scope"
    yama.write_text(f"{scope}\n")
    assert bool(withheld.why_withheld(yama)) == is_withheld
    assert withheld.why_withheld(tmp_path / "none") == ""


def test_a_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withheld, "can_fetch", lambda: False)
    assert "pidfd_getfd" in withheld.why_withheld(tmp_path / "none")
