"""The layout of the scoreboard, byte by byte. Numbers and their meaning only: nothing here opens, reads or writes.

The file is an array of signed 64-bit words in the machine's byte order, all of them aligned. It begins with a header
of 1024 bytes, which the arbiter alone writes:

    byte   word
       0    0    MAGIC
       8    1    FORMAT
      16    2    bytes of this header: the first slot begins there
      24    3    bytes of a slot
      32    4    how many slots there are
      40    5    how many have ever been assigned: those from there on were never touched
      48    6    when the file was made, CLOCK_MONOTONIC in ns
      56 ...     0

Slot `n` begins at byte 1024 + 1024 * n. Its first cache line is the arbiter's, all others are the worker's:

    byte   word
       0    0    GENERATION: grows with each change of hands; odd: assigned, even: free, or about to be assigned
       8    1    TIMEOUT: ms that the worker's loop may stand still, 0: any number
      16    2    BEAT: ms between two heartbeats
      24    3    when it was assigned, CLOCK_MONOTONIC in ns
      32 ...     0

      64    8    PID of the worker; 0 until it has attached
      72    9    STATE: 0 not attached, 1 starting, 2 serving, 3 stopping
      80   10    STARTED: when it attached, CLOCK_MONOTONIC in ns
      88   11    HEARTBEAT: when its loop turned last, CLOCK_MONOTONIC in ns; 0: never
      96 ...     0

     128   16    BEGUN: requests that have come to the application
     136   17    SENT: bytes of response bodies, where they can be known
     144   18    ACCEPTED connections; 0 where the backend keeps that to itself
     152   19    LATENCY: the sum, in ns, of what the requests took that are over
     160   20    FAILURES: requests in which the application raised
     168 ...     0
     192   24    STATUSES: requests that are over, without a legal status; words 25 to 29: with 1xx to 5xx
     240 ...     0

     256   32    BUCKETS: 96 words, how many requests took how long: see `histogram`

What follows from others has no word: the requests that are over are the sum of STATUSES, those in flight are BEGUN less
that. Each word that is counted up costs a request 0.06 us.

Why no lock and no sequence lock: each word is one aligned 8-byte store, which the processors that we run on never tear,
and each is of use alone: counters only grow, and what is told is the difference of two looks. A writer that is
stopped or killed half-way leaves nothing that a reader would have to wait for. Words of one snapshot may be a
request apart. A slot that changes hands while it is read is found out by its generation, and read again.
"""

from __future__ import annotations

from enum import IntEnum

WORD_BYTES = 8
HEADER_BYTES = 1024
SLOT_BYTES = 1024
SLOT_WORDS = SLOT_BYTES // WORD_BYTES
# As many as there may be processes, and their successors in a reload. What is not touched takes no memory.
SLOTS = 16384
FILE_BYTES = HEADER_BYTES + SLOTS * SLOT_BYTES

# "CIRCUSSB" as it stands in the file of a little-endian machine.
MAGIC = int.from_bytes(b"CIRCUSSB", "little")
FORMAT = 1

# Words of the header.
H_MAGIC, H_FORMAT, H_HEADER_BYTES, H_SLOT_BYTES, H_SLOTS, H_USED, H_MADE = range(7)

# Words of a slot: the arbiter's.
GENERATION, TIMEOUT, BEAT, ASSIGNED = range(4)
# The worker's.
PID, STATE, STARTED, HEARTBEAT = range(8, 12)
BEGUN, SENT, ACCEPTED, LATENCY, FAILURES = range(16, 21)
STATUSES = 24
STATUS_CLASSES = 6
BUCKETS = 32
BUCKET_COUNT = SLOT_WORDS - BUCKETS

# No count gets there in this world: 2^62 ns are 146 years. What is as large, or negative, was forged.
ABSURD = 1 << 62

# What tells a worker where its slot is: the number of the descriptor, of the slot, and its generation.
VARIABLE = "CHAUSSETTE_SCOREBOARD"


def bounded(number: int) -> int:
    """A count that others can believe, and put into 64 bits: from 0 to `ABSURD`."""
    return min(max(number, 0), ABSURD)


class State(IntEnum):
    """What a worker is doing, as it says itself."""

    NONE = 0
    STARTING = 1
    SERVING = 2
    STOPPING = 3
