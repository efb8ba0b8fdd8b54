"""What a key may do: three roles, each of which may do what the one before it may. Pure."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a key, and the one that a command needs."""

    VIEW = "view"
    OPERATE = "operate"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what takes `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


MEANING = {
    Role.VIEW: "sees everything but secrets, changes nothing",
    Role.OPERATE: "also starts, stops, reloads, signals, and sets the number of processes",
    Role.ADMIN: "does everything: adds and changes watchers, which is to run any command as the arbiter's user",
}
