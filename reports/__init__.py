"""The judging side: run files, verdicts, reports. Never imports torch or transformers."""
