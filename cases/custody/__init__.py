"""Whose an asset is, through which hands it went, and what was decided about it; told here and to other houses."""
