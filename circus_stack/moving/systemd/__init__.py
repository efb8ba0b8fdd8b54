"""A stack as units of systemd."""
