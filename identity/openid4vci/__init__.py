"""Credentials handed to wallets that nobody here wrote (OpenID for Verifiable Credential Issuance 1.0)."""
