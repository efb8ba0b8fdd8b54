"""What the console scripts call: each program, imported only after Ctrl-C has been made harmless; nothing else.

The imports take 0.1 s, and a KeyboardInterrupt in the middle of them is a traceback of twenty lines.
"""

from __future__ import annotations

import atexit
import gc

from circus_stack.cli.interrupts import die_of_interrupts

# At its end Python looks for garbage in all that was imported, which takes a program that runs for a moment a tenth of
# its time, and the kernel takes it all back anyway.
atexit.register(gc.freeze)


def circus_stack() -> None:
    """The program `circus-stack`."""
    die_of_interrupts()
    from circus_stack.cli.stack import main

    main()


def circusd() -> None:
    """The program `circusd`."""
    die_of_interrupts()
    from circus_stack.cli.circusd import main

    main()


def circusctl() -> None:
    """The program `circusctl`."""
    die_of_interrupts()
    from circus_stack.cli.circusctl import main

    main()


def circusd_stats() -> None:
    """The program `circusd-stats`."""
    die_of_interrupts()
    from circus_stack.cli.circusd_stats import main

    main()


def circus_top() -> None:
    """The program `circus-top`."""
    die_of_interrupts()
    from circus_stack.cli.circus_top import main

    main()


def circus_plugin() -> None:
    """The program `circus-plugin`."""
    die_of_interrupts()
    from circus_stack.cli.circus_plugin import main

    main()


def circushttpd() -> None:
    """The program `circushttpd`."""
    die_of_interrupts()
    from circus_stack.cli.circushttpd import circushttpd as main

    main()
