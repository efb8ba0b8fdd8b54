"""The beginning of a program that goes on where the one before it, in the same process, was; and its rehearsal.

Whatever fails here leaves the processes of the stack alone: they live on, and the next start adopts them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from circus_stack.arbiter.sockets import restore_sockets
from circus_stack.cli.own_log import open_own_log
from circus_stack.cli.starting import REFUSED, Start, log_output, run_bound
from circus_stack.daemon import Bound, Setting
from circus_stack.daemon.adoption.estate import keep_on
from circus_stack.daemon.handover.record import HandoverRecord, PlaceRecord, decode_handover
from circus_stack.daemon.handover.rehearsal import rehearse_here
from circus_stack.errors import CircusStackError, HandoverError
from circus_stack.protocol.rundir import RuntimePaths
from circus_stack.system.open_files import remember_given
from circus_stack.system.reexec import Handover
from circus_stack.system.rundir import RuntimeDirectory
from circus_stack.system.signals import hold_signals


def resume(wanted: Start, handover: Handover) -> int:
    """Go on, to the end of the stack; the exit status. In a rehearsal, only see whether that would do."""
    try:
        if handover.report_fd is not None:
            rehearse_here(handover)
            return 0
        return _resume(wanted, decode_handover(handover.read()))
    except (CircusStackError, OSError) as error:
        sys.stderr.write(f"{wanted.program}: {_explain(handover, error)}\n")
        return REFUSED


def _explain(handover: Handover, error: Exception) -> str:
    if handover.report_fd is not None:
        return str(error)
    return f"the upgrade failed after the exec: {error}; the processes live on, and the next start adopts them"


def _resume(wanted: Start, record: HandoverRecord) -> int:
    # Held already by the program before; a child of this one may have been asked for by a signal since.
    hold_signals()
    place = record.place
    if place is None:
        raise HandoverError("the state that was handed over lacks the lock and the notify socket")
    remember_given(place.given_limits)
    stack = record.arbiter.declared
    paths = RuntimePaths(Path(place.runtime_dir))
    runtime = RuntimeDirectory(paths, place.lock_fd)
    estate = keep_on(Path(place.state_dir), wanted.source, paths.id, place.ledger_lock_fd)
    bound = Bound(stack, {}, runtime, restore_sockets(record.arbiter.sockets), estate)
    _close_at_exec(record)
    log = open_own_log(stack.circus, log_output(wanted, stack), wanted.logger_config) if _is_circusd(wanted) else None
    try:
        return run_bound(wanted, _setting(wanted, paths, place), bound, log, resumed=record)
    finally:
        if log is not None:
            log.close()


def _is_circusd(wanted: Start) -> bool:
    return wanted.program == "circusd"


def _close_at_exec(record: HandoverRecord) -> None:
    """No program that is started from here on inherits what it isn't given."""
    for fd in record.fds():
        os.set_inheritable(fd, False)


def _setting(wanted: Start, paths: RuntimePaths, place: PlaceRecord) -> Setting:
    return Setting(
        paths=paths,
        state_dir=Path(place.state_dir),
        source=wanted.source,
        read=wanted.read,
        environ=dict(os.environ),
        rereads_on_hup=wanted.rereads_on_hup,
    )
