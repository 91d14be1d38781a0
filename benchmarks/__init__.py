"""The benchmarks that users run: `pytest benchmarks/ --benchmark-compare`."""
