"""What `circus.stats` had for other programs: the client."""
