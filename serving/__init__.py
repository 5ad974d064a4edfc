"""Answers with what was learnt: over HTTP, from the command line."""
