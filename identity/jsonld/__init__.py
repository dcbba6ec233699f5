"""Guarded JSON-LD: known contexts, expansion, canonical N-Quads."""
