"""Likely label errors: found by held-out probabilities, reviewed by a person in a CSV, applied when training."""
