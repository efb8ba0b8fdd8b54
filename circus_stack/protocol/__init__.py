"""What travels between the arbiter and its clients: messages, commands, topics, places. No sockets. See DESIGN.md."""
