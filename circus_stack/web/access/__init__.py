"""Who may do what in the console: passwords, login links, sessions, tokens, and what a browser must prove."""
