"""Claims over content that stays at home: what a tool sends to be signed, taken apart, held to its key, and signed."""
