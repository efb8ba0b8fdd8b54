"""The arbiter's ear and voice: the ROUTER of commands, the XPUBs of events and of log lines. See DESIGN.md."""
