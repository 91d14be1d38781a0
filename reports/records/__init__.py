"""Run files, baselines and the metric table."""
