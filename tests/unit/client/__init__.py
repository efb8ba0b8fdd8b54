"""Tests of what clients decide: matching, joining, choosing."""
