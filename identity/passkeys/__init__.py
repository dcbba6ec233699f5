"""Passkeys (W3C Web Authentication): people who need no API key, and what they sign."""
