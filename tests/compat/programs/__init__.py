"""Programs that the released Circus's interpreter runs: they use its own libraries, and print what came of it."""
