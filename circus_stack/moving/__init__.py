"""Moving in and out: other programs' configuration files to our ini, and our stack to a unit of systemd. Pure: text in,
text out; files are read through what the caller passes in."""
