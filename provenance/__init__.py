"""What a file says about itself: C2PA manifests, trust, validation."""
