"""What processes write: capture of their stdout and stderr, sinks with rotation, the live tail. See DESIGN.md."""
