"""Who someone is, and what they refuse: credentials, their proofs, selective disclosure. A library; no HTTP yet."""
