"""A result as people read it. Pure, but for the drawing of charts."""
