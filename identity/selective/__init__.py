"""Selective disclosure: a holder shows some of what an issuer signed, and no more."""
