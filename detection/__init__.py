"""What a file looks like: hostile bytes decoded and fingerprinted in sandboxed workers."""
