"""VC-JOSE-COSE: credentials and presentations inside signed tokens."""
