"""Cosignatures of others on our checkpoints, and a small witness for the logs of others."""
