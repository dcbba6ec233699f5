"""Bytes and text, strictly: base64url, multibase, CBOR, JSON, dates."""
