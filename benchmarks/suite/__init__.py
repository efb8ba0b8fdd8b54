"""The benchmark suite behind `circus-stack bench`: servers side by side, under the same load, for the same application.

DESIGN.md tells how the modules fit together, and what a figure means.
"""
