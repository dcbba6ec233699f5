"""W3C Data Integrity: proofs, sets and chains of them, and their suites."""
