"""What comes in from others: the artifact of a run that nobody has reviewed."""
