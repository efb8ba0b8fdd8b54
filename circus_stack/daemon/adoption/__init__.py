"""The daemon's part of an adoption: what an arbiter that was killed has left is claimed before the loop, carried on in
it, and noted all the time for the next one.
"""
