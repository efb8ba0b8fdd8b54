"""Tests of the composition root that start nothing."""
