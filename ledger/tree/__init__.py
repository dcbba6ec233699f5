"""The Merkle tree over the entries, its tiles, and the checkpoints that the log signs."""
