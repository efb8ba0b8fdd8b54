"""The web console: what `circushttpd` serves. Speaks to a stack through `client` alone."""
