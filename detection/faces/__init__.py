"""Faces of a file: found, judged and embedded in sandboxed workers; what leaves them are numbers, never pixels."""
