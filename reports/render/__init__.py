"""Tables and verdicts as people read them."""
