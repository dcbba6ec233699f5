"""Decentralised identifiers and the keys that they name."""
