"""What every test may lean on: real processes that never outlive their test, bounded waits, free ports."""
