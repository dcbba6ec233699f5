"""SD-JWT VC (RFC 9901): issuing, disclosing, binding to a key, verifying."""
