"""What was decided, provably: database, entries, tree, checkpoints, receipts, sealed payloads, blobs."""
