"""The released Circus beside ours: the same files, commands and clients, and what each side makes of them."""
