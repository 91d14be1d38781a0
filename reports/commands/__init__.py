"""The commands of `python -m reports`, a module each; what one needs is imported when it runs."""
