"""Checking a log without trusting it: the database, an export, an address, one file."""
