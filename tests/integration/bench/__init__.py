"""The benchmark suite, with real servers and a real load."""
