"""Status lists: Bitstring Status List and Token Status List."""
