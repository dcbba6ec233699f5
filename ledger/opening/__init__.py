"""Showing payloads to those who may see them, on record first."""
