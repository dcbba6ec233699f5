"""`python -m api.cli` is `sigillo`."""

from __future__ import annotations

from api.cli import main

main()
