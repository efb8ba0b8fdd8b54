"""The zygote: a process that has loaded the application, and forks workers from it when it is asked to.

What every worker has to know of it: the variable by which it would be one.
"""

from __future__ import annotations

CONTROL_VARIABLE = "CHAUSSETTE_ZYGOTE"
