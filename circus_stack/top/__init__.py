"""circus-top: what a stack does now, on a terminal, as JSON and as CSV. See DESIGN.md."""
