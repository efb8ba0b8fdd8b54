"""Plugins: programs beside the arbiter that hear its events and give it commands. This module names the base class."""

from __future__ import annotations

from circus_stack.plugins.plugin import CircusPlugin

__all__ = ["CircusPlugin"]
