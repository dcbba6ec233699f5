"""What a picture looks like as a direction: by an encoder that the operator supplies, run in sandboxed workers."""
