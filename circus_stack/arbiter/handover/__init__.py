"""The arbiter's state as a value, and the way back: for an upgrade in place, and for adoption after a crash."""
