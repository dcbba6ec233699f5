"""What is near what, in memory: bits by Hamming distance, in an index that follows rows of the database."""
