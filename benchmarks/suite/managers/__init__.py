"""Process managers as contestants: how each is told the same, started, and asked. One a module."""
