"""What others publish and a stranger's document names: fetched from the open Internet alone, and kept for a while."""
