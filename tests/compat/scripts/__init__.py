"""The script that both daemons go through: what is asked, a file a kind of command. The order of the files counts."""

from __future__ import annotations

from tests.compat.scripts.adding import ADDING
from tests.compat.scripts.messages import MESSAGES
from tests.compat.scripts.numbers import NUMBERS
from tests.compat.scripts.operations import OPERATIONS
from tests.compat.scripts.questions import QUESTIONS
from tests.compat.scripts.setting import SETTING
from tests.compat.scripts.signalling import SIGNALLING
from tests.compat.step import Step

# The family ends as one, since Circus leaves what a process has started.
# What the script is about: two processes, a singleton, one that is not started, children, sockets, free-form options.
# `ready` is ours, and free-form for Circus: a reload need not see for a second that the new processes live.
INI = """
[watcher:web]
ready = delay:0.02
cmd = sleep 600
numprocesses = 2
warmup_delay = 0
flapping.window = 3
copy_env = True

[watcher:Single]
cmd = sleep
args = 600
singleton = True
priority = 5

[watcher:idle]
ready = delay:0.02
cmd = sleep 600
autostart = False

[watcher:family]
ready = delay:0.02
cmd = sh -c 'sleep 600 & trap "kill $!; exit" TERM; wait'

[watcher:full]
ready = delay:0.02
cmd = sleep 600
graceful_timeout = 5
stop_signal = INT
stdout_stream.class = FileStream
stdout_stream.filename = @dir@/full.log
stdout_stream.max_bytes = 1000
stdout_stream.backup_count = 2
stderr_stream.class = StdoutStream
max_age = 3000
max_age_variance = 10
working_dir = @dir@
rlimit_nofile = 500
stop_children = True
close_child_stdin = False
use_sockets = True

[watcher:spare]
cmd = sleep 600
ready = delay:0.02

[socket:web]
host = 127.0.0.1
port = @port@
backlog = 64

[socket:un]
path = @dir@/un.sock

[env:full]
NAME = value
"""

SCRIPT: tuple[Step, ...] = (*QUESTIONS, *MESSAGES, *NUMBERS, *OPERATIONS, *SIGNALLING, *SETTING, *ADDING)
