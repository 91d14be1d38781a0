"""From two values to a verdict."""
