"""What is supervised beyond a process's life: dependencies, health, crash loops, and how many start at once."""
