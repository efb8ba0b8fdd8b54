"""Generators of load: one load on one port, told in figures."""
