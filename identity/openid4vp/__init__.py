"""Asking wallets one question, and learning the answer to it alone (OpenID for Verifiable Presentations 1.0)."""
