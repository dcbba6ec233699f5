"""VCDM 1.1 under proofs from before Data Integrity: `didkit` verifies their signatures, in a worker without network."""
