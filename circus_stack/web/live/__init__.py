"""What a browser hears without asking: figures, events and log lines, over socket.io. Changes never travel here."""
