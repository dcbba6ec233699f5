"""HTTP, command line and composition root: the only place that knows FastAPI and how parts are wired."""
