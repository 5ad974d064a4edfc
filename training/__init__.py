"""Rows to releases."""
