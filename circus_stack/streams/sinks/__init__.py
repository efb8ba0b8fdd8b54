"""The sinks that ship with us, one module each, named in `registry`."""
