"""What is kept of scheduled runs, and what becomes of a file that is broken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from circus_stack.arbiter.run_book import Entry, RunBook
from circus_stack.arbiter.runs import Run, RunResult


def test_what_was_put_is_there_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "runs.json"
    entry = Entry("@daily UTC", 123.5, Run(1.0, RunResult.FAILED, 2.0, 1.0, -9))

    async def keep() -> None:
        book = RunBook(path)
        book.put("job", entry)
        book.put("other", Entry("@hourly", 7.0))
        await book.save()

    asyncio.run(keep())
    book = RunBook(path)
    assert book.get("job") == entry
    assert book.get("other") == Entry("@hourly", 7.0)
    assert book.get("nobody") is None
    assert [each.name for each in path.parent.iterdir()] == ["runs.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"watchers": 1}',
        '{"watchers": {"a": {}}}',
        '{"watchers": {"a": {"schedule": "x", "due": "y", "last": null}}}',
    ],
)
def test_a_broken_file_is_told_and_left(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "runs.json"
    path.write_text(text)
    assert RunBook(path).get("a") is None
    assert "cannot be read" in caplog.text


def test_a_disk_that_fails_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()

    async def keep() -> None:
        book = RunBook()
        book._path = tmp_path / "file" / "runs.json"
        book.put("job", Entry("@daily", 1.0))
        await book.save()
        assert book.get("job") is not None

    asyncio.run(keep())
    assert "cannot be kept" in caplog.text
