"""Tests of the example: a real Redis, a real JVM, real sockets; everything started is killed and reaped."""
