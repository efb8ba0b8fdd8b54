"""Tests of the benchmark suite that start nothing."""
