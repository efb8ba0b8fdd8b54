"""Tests of the wire: values and bytes, no sockets."""
