"""One zygote: a process that loads a watcher's application once, and forks workers from it. Started, listened to,
asked, ended; whether there should be one is decided elsewhere."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from msgspec import Struct

from chaussette.zygote.messages import Forked, Ready, Refused, decode_report
from circus_stack.arbiter.birth_plans import Packet, packets, zygote_plan
from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.launch_batch import LaunchBatch
from circus_stack.arbiter.marker import new_token
from circus_stack.errors import CircusStackError, ResourceShortageError, SpawnError
from circus_stack.exits import describe_exit
from circus_stack.system.descent import session_of
from circus_stack.system.packets import Gate, PacketChannel
from circus_stack.system.spawn import Child, SpawnPlan, is_shortage

log = logging.getLogger(__name__)

# Its output is told apart from the workers' by this slot, which no worker has.
ZYGOTE_SLOT = 0
# It has nothing to finish: SIGKILL follows soon where the application has taken SIGTERM for itself.
_END_S = 1.0


class ZygoteView(Struct, frozen=True):
    """What others may see of it; times are seconds since the epoch."""

    pid: int
    generation: int
    started_at: float
    ready_at: float | None

    @property
    def state(self) -> str:
        return "loading" if self.ready_at is None else "ready"


class Newborn(Struct, frozen=True):
    """A worker that waits for the word."""

    child: Child
    gate: Gate

    def turn_away(self) -> None:
        """It is not wanted any more: it ends, and is reaped as a stranger."""
        os.close(self.child.pidfd)
        self.gate.close()


class Zygote:
    """Of one generation of a watcher. `on_end(zygote, reason)` is called once, when its process is gone or could not be
    started; `reason` is None where its end was asked for."""

    def __init__(self, charge: Charge, generation: int, on_end: Callable[[Zygote, SpawnError | None], None]) -> None:
        self._charge = charge
        self.generation = generation
        self._on_end = on_end
        self._loaded: asyncio.Future[None] = charge.means.loop.create_future()
        # Whoever waits for it may have gone: what nobody asks for is no news.
        self._loaded.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._numbers = count(1)
        # The number of the request that waits, and its answer.
        self._asked = 0
        self._answer: asyncio.Future[Forked] | None = None
        self._channel = PacketChannel(charge.means.loop, self._heard, self._hung_up)
        self._deadline: asyncio.TimerHandle | None = None
        self._env: Mapping[str, str] = {}
        self._refusal = ""
        self._is_ending = False
        self._is_over = False
        self.pid = 0
        self.started_at = 0.0
        self.ready_at: float | None = None

    @property
    def is_loaded(self) -> bool:
        return self.ready_at is not None and not self._is_ending

    def view(self) -> ZygoteView | None:
        """None while there is no process."""
        return ZygoteView(self.pid, self.generation, self.started_at, self.ready_at) if self.pid else None

    # -- its beginning ----------------------------------------------------------------------------------------

    def start(self, secrets: Mapping[str, str]) -> None:
        """Start the process, unless its end was asked for meanwhile; what keeps it from starting is told by
        `on_end`."""
        if self._is_ending:
            self._over(SpawnError("it was not wanted any more"))
            return
        try:
            self._start(secrets)
        except OSError as error:
            self.give_up(_refused(error, "its zygote could not be started"))
        except (CircusStackError, ValueError) as error:
            self.give_up(error if isinstance(error, SpawnError) else SpawnError(str(error)))

    def give_up(self, reason: SpawnError) -> None:
        """There will be no process."""
        self._channel.close()
        self._over(reason)

    def _start(self, secrets: Mapping[str, str]) -> None:
        means, config = self._charge.means, self._charge.config
        childs_fd = self._channel.open()
        capture = means.open_capture(config, ZYGOTE_SLOT)
        try:
            plan = LaunchBatch(self._charge, secrets).plan(ZYGOTE_SLOT, 0, new_token(), capture)
            plan = zygote_plan(plan, childs_fd)
            child = means.spawn_all([plan])[0]
            if isinstance(child, SpawnError):
                raise child
        except BaseException:
            capture.abandon()
            raise
        capture.attach(child.pid)
        self._env, self.pid, self.started_at = plan.env, child.pid, means.epoch()
        means.reaper.add(child, self._exited, self._ended)
        self._channel.begin()
        self._deadline = means.loop.call_later(config.ready_timeout, self._timed_out, config.ready_timeout)

    async def wait_loaded(self) -> None:
        """Wait until it can fork; raises SpawnError where it ends before."""
        await asyncio.shield(self._loaded)

    def _timed_out(self, timeout_s: float) -> None:
        self._refusal = f"its zygote did not load the application in {timeout_s:g} s"
        self._kill()

    # -- its work ---------------------------------------------------------------------------------------------

    async def fork(self, plans: Sequence[SpawnPlan]) -> list[Newborn | SpawnError]:
        """Have it fork these; each that is born waits at its gate. One call at a time."""
        outcomes: list[Newborn | SpawnError] = []
        gates: list[Gate] = []
        try:
            for _ in plans:
                gates.append(Gate())
            for packet in packets(plans, [gate.childs_fd for gate in gates], self._env, self._numbers):
                outcomes += await self._ask(packet, gates[len(outcomes) :][: packet.count])
        except (SpawnError, OSError, ValueError) as error:
            outcomes += [_refused(error, "the arbiter could not ask its zygote")] * (len(plans) - len(outcomes))
        except BaseException:
            for gate in gates:
                gate.close()
            raise
        for gate, outcome in zip(gates, outcomes, strict=False):
            if isinstance(outcome, SpawnError):
                gate.close()
        return outcomes

    async def _ask(self, packet: Packet, gates: Sequence[Gate]) -> list[Newborn | SpawnError]:
        if not self.is_loaded:
            raise SpawnError("its zygote has ended")
        self._asked, self._answer = packet.number, self._charge.means.loop.create_future()
        answer = self._answer
        timeout_s = self._charge.config.ready_timeout
        try:
            self._channel.send(packet.data, packet.fds)
            for gate in gates:
                gate.sent()
            async with asyncio.timeout(timeout_s):
                forked = await answer
        except TimeoutError:
            self._refusal = f"its zygote did not answer in {timeout_s:g} s"
            self._kill()
            raise SpawnError(self._refusal) from None
        finally:
            self._answer = None
        born = [self._adopt(pid, gate) for pid, gate in zip(forked.pids, gates, strict=False)]
        return [*born, *[_short_of(forked.errno)] * (packet.count - len(born))]

    def _adopt(self, pid: int, gate: Gate) -> Newborn | SpawnError:
        """The application could have said it: only a child of ours, in a session of its own, that nobody knows."""
        means = self._charge.means
        if means.reaper.knows(pid):
            return SpawnError(f"its zygote named process {pid}, which is another one's")
        try:
            child = means.watch_child(pid)
        except ProcessLookupError:
            return SpawnError(f"the forked process {pid} has ended at once")
        except OSError as error:
            return _refused(error, f"cannot watch the forked process {pid}, so it was ended again")
        if child.stamp is not None or session_of(pid) == os.getsid(0):
            os.close(child.pidfd)
            return SpawnError(
                f"the forked process {pid} is no child of the arbiter: preload needs one that adopts orphans, and that "
                "is not so inside of another program"
            )
        return Newborn(child, gate)

    def _heard(self, data: bytes) -> None:
        try:
            report = decode_report(data)
        except ValueError as error:
            self._refusal = f"its zygote cannot be understood: {error}"
            self._kill()
            return
        match report:
            case Ready():
                self._became_ready()
            case Refused(reason):
                self._refusal = self._refusal or reason
            case Forked():
                # Of one that was given up the workers end at their gates.
                if self._answer is not None and report.number == self._asked and not self._answer.done():
                    self._answer.set_result(report)

    def _became_ready(self) -> None:
        if self._is_ending or self.ready_at is not None:
            return
        self._cancel_deadline()
        self.ready_at = self._charge.epoch()
        self._loaded.set_result(None)

    # -- its end ----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Ask it to go; whoever waits for it hears at once that it will not do."""
        if self._is_ending:
            return
        self._is_ending = True
        self._cancel_deadline()
        self._fail(SpawnError("its zygote is being ended"))
        self._channel.close()
        if self.pid:
            self._charge.means.reaper.send(self.pid, signal.SIGTERM)
            self._deadline = self._charge.means.loop.call_later(_END_S, self._kill)

    def kill(self) -> None:
        """End it now."""
        self.end()
        self._kill()

    def _kill(self) -> None:
        if self.pid and not self._is_over:
            self._charge.means.reaper.signal_group(self.pid, signal.SIGKILL)

    def _hung_up(self) -> None:
        """It has closed its end, and can be asked for nothing more: its exit follows, or has to be brought about."""
        if not self._is_ending:
            self._refusal = self._refusal or ""
            self._cancel_deadline()
            self._deadline = self._charge.means.loop.call_later(_END_S, self._kill)

    def _ended(self, pid: int) -> bool:
        """While it is a zombie: what the application has started while it was loaded goes with it."""
        self._charge.means.reaper.signal_group(pid, signal.SIGKILL)
        return False

    def _exited(self, _pid: int, exit_code: int | None) -> None:
        self._channel.drain()
        self._channel.close()
        when = "" if self.ready_at is not None else " before it had loaded the application"
        self._over(SpawnError(self._refusal or f"its zygote {describe_exit(exit_code)}{when}"))

    def _over(self, reason: SpawnError) -> None:
        was_asked = self._is_ending
        self._is_ending = self._is_over = True
        self._cancel_deadline()
        self._fail(reason)
        self._on_end(self, None if was_asked else reason)

    def _fail(self, reason: SpawnError) -> None:
        for future in (self._loaded, self._answer):
            if future is not None and not future.done():
                future.set_exception(reason)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _refused(error: Exception, what: str) -> SpawnError:
    """Why `what` happened; what went wrong here, in the arbiter, is not said of the zygote."""
    if isinstance(error, SpawnError):
        return error
    if not isinstance(error, OSError):
        return SpawnError(f"{what}: {error}")
    text = f"{what}: {error.strerror}"
    return ResourceShortageError(text) if is_shortage(error) else SpawnError(text)


def _short_of(number: int) -> SpawnError:
    """What the zygote has met."""
    if not number:
        return SpawnError("its zygote could not fork")
    what = "take the descriptors of its workers" if number in (errno.EMFILE, errno.ENFILE) else "fork"
    return _refused(OSError(number, os.strerror(number)), f"its zygote could not {what}")
