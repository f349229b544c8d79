"""Faults and kills at random moments while a small service works: `python -m benchmarks.chaos`."""
