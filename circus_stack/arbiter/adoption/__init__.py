"""The workers outlive the arbiter: what is noted of them on disk, and how the next arbiter takes them over."""
