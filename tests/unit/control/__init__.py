"""Tests of the handlers and of what they decide, against a recording arbiter."""
