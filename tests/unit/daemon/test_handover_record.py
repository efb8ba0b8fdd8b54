"""The state of an arbiter as bytes: every configuration comes back equal, and versions of the code may differ."""

from __future__ import annotations

import dataclasses
import json

import pytest
from msgspec import structs

from circus_stack.arbiter.backoff import Backoff
from circus_stack.arbiter.handover.record import (
    ArbiterRecord,
    JobsRecord,
    LaneRecord,
    LanesRecord,
    ProcessRecord,
    SocketRecord,
    WatcherRecord,
)
from circus_stack.arbiter.jobs import Job, JobBook, JobState
from circus_stack.arbiter.watcher import Spawn, WakeAt, Watcher
from circus_stack.config.schema import SocketConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm, StreamConfig
from circus_stack.daemon.handover.record import (
    FORMAT,
    ControlRecord,
    HandoverRecord,
    PlaceRecord,
    decode_handover,
    encode_handover,
)
from circus_stack.errors import ConfigError, HandoverError
from circus_stack.states import ProcessState, WatcherState
from circus_stack.streams.record import CaptureRecord, PipeRecord, StreamsRecord, TailBlock, TailRecord
from tests.golden.cases import Case, all_cases, load

WATCHER = WatcherConfig(name="web", cmd="serve", ready=Readiness(ReadinessForm.NOTIFY), rlimits={"nofile": (64, 128)})
STACK = StackConfig(source="x.ini", kind=SourceKind.CIRCUS, circus=load(all_cases()[0]).circus, watchers=(WATCHER,))


def record_of(stack: StackConfig, **more: object) -> HandoverRecord:
    watchers = tuple(WatcherRecord(config=each, state=WatcherState.ACTIVE, wanted=1) for each in stack.watchers)
    return HandoverRecord(
        pid=1,
        version="1.0",
        arbiter=ArbiterRecord(declared=stack, watchers=watchers, **more),  # type: ignore[arg-type]
        streams=StreamsRecord(),
        control=ControlRecord(endpoint="ipc:///c", pubsub_endpoint="ipc:///e", logs_endpoint="ipc:///l"),
        place=PlaceRecord(runtime_dir="/run/x", state_dir="/state", lock_fd=3, notify_fd=4, notify_path_fd=5),
    )


def loadable() -> list[Case]:
    found = []
    for case in all_cases():
        try:
            load(case)
        except ConfigError:
            continue
        found.append(case)
    return found


@pytest.mark.parametrize("case", loadable(), ids=lambda case: case.name)
def test_any_configuration_comes_back_as_it_was(case: Case) -> None:
    stack = load(case)
    back = decode_handover(encode_handover(record_of(stack))).arbiter
    assert back.declared == stack
    assert tuple(each.config for each in back.watchers) == stack.watchers


def test_everything_else_comes_back_as_it_was() -> None:
    process = ProcessRecord(
        pid=7, wid=1, generation=2, spawned_at=1.5, started_at=9.0, state=ProcessState.STARTING, kill_at=3.0, ready_by=4
    )
    lanes = LanesRecord(group=(8, 9), lanes=(LaneRecord(watcher="web", lane=0, fd=9),), wanted={"web": 2}, chosen=1)
    record = structs.replace(
        record_of(
            STACK,
            sockets=(SocketRecord(config=SocketConfig(name="web", path="/s"), fd=8, is_given=True, lanes=lanes),),
            jobs=JobsRecord(last_id=3, jobs=(Job("3", "reload", ("web",), 1.0, JobState.DONE, 1.0, 2.0),)),
            released=(99,),
        ),
        streams=StreamsRecord(
            captures=(
                CaptureRecord(
                    watcher="web",
                    wid=1,
                    pid=7,
                    pipes=(PipeRecord(stream="stdout", fd=12, rest=b"half a l\xff", is_large=True),),
                    stdout_stream=StreamConfig("FileStream", {"filename": "/x"}),
                ),
            ),
            dropped={"web": 4},
            tail=TailRecord(
                next_number=77,
                blocks=(TailBlock(number=70, watcher="web", wid=1, pid=7, stream="stderr", time=1.0, data=b"\x00\n"),),
            ),
        ),
    )
    with_process = structs.replace(record.arbiter.watchers[0], processes=(process,), superseded=7)
    record = structs.replace(record, arbiter=structs.replace(record.arbiter, watchers=(with_process,)))
    assert decode_handover(encode_handover(record)) == record
    assert record.fds() == {3, 4, 5, 8, 9, 12}


def test_a_field_of_another_version_is_left_aside_and_a_missing_one_has_its_default() -> None:
    data = json.loads(encode_handover(record_of(STACK)))
    data["zygotes"] = [{"pid": 5}]
    del data["arbiter"]["watchers"][0]["pace"]
    data["arbiter"]["declared"]["watchers"][0]["an_option_to_come"] = 1
    back = decode_handover(json.dumps(data).encode())
    assert back == record_of(STACK)


def test_another_format_is_refused_and_named() -> None:
    data = json.loads(encode_handover(record_of(STACK)))
    data["format"] = FORMAT + 1
    with pytest.raises(HandoverError, match=rf"format {FORMAT + 1} \(circus-stack 1\.0\)"):
        decode_handover(json.dumps(data).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 1}', b"\xff"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(HandoverError):
        decode_handover(data)


def test_what_is_no_text_is_refused() -> None:
    odd = dataclasses.replace(WATCHER, env={"NAME": "\udcff"})
    with pytest.raises(HandoverError, match="cannot be written down"):
        encode_handover(record_of(dataclasses.replace(STACK, watchers=(odd,))))


def test_a_backoff_goes_on_where_another_was() -> None:
    before = Backoff()
    for at in (1.0, 2.0, 3.0):
        before.failed(1, at)
    after = Backoff()
    after.restore(before.state())
    assert after.failed(1, 4.0) == 4
    assert after.recent(4.0, 60.0) == 4


def test_a_watcher_decides_as_the_one_before_would() -> None:
    before = Watcher(dataclasses.replace(WATCHER, numprocesses=2))
    before.state = WatcherState.ACTIVE
    before.spawned(100, 1, 0.0, 0.0)
    before.spawn_failed(2, 1.0)
    before.spawn_failed(2, 1.0)
    after = Watcher(before.config)
    after.restore(
        WatcherRecord(
            config=before.config,
            state=before.state,
            wanted=before.wanted,
            generation=before.generation,
            newest_generation=before.newest_generation,
            processes=(
                ProcessRecord(
                    pid=100, wid=1, generation=1, spawned_at=0.0, started_at=0.0, state=ProcessState.STARTING
                ),
            ),
            pace=before.pace(),
        )
    )
    assert after.converge(1.0, 9) == before.converge(1.0, 9)
    assert isinstance(after.converge(1.0, 9)[0], WakeAt)
    assert after.converge(60.0, 9) == [Spawn(2)]
    assert after.spawn_failed(2, 60.0).failures == 3


def test_the_numbers_of_jobs_go_on() -> None:
    book = JobBook(lambda: 1.0)
    book.restore(7, [Job("7", "reload", (), 1.0, JobState.DONE)])
    assert [job.id for job in book.jobs()] == ["7"]
    assert book.last_id() == 7
