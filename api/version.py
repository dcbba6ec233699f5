"""The version that manifests and `/openapi.json` name."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("sigillo")
