"""What the world sends, as clean values and arrays."""
