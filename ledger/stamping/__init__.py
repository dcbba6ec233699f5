"""RFC 3161 time-stamps of checkpoints: asked for, kept, judged."""
