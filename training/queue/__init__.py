"""A day of tickets and agents, to see what an order of answering is worth."""
