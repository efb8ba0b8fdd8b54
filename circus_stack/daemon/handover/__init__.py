"""The daemon's part of an upgrade in place: the whole record, its rehearsal, the exec, and the beginning after it."""
