"""Arbiters that are killed, and the next ones."""
