"""Revisions `NNNN_name.py`, each naming the one before."""
