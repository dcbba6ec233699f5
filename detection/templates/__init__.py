"""Faces as keyed bits: templates sealed under their owners, an index over them, and what matching says."""

import os

# Before numpy is first imported, which this room alone does in the service's own process. Its matrices are small, and
# the threads that it would spread them over spin against Faiss's and each other's: three times slower, or thirty on a
# busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
