"""Tests of what circus-top decides: rows, order, columns, pictures of characters."""
