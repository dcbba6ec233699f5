"""Mobile documents (ISO 18013-5): verified, never issued."""
