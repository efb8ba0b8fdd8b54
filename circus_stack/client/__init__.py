"""How other programs reach an arbiter: discovery, calls, subscriptions. Speaks the wire alone. See DESIGN.md."""
