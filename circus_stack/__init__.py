"""The arbiter, its clients and its command lines. Imports nothing: the version is read by the build."""

__version__ = "0.1.0"
