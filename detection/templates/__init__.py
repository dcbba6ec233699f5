"""Faces as keyed bits: templates sealed under their owners, an index over them, and what matching says."""
