"""Scenarios that measure; shipped as circus_stack.benchmarks. Run one with python -m benchmarks.NAME --help."""
