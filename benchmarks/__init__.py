"""Benchmarks: each prints a table for people, or with `--json` one object. They print figures; they gate nothing."""
