"""Credentials of our own: which keys sign them, which types there are, and how one is issued on record."""
