"""Tests of control and its clients on real sockets and real stacks."""
