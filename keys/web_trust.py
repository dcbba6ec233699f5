"""Whom this process believes on the web: the authorities that come with `certifi`, whatever the environment says.

Reading them takes a fiftieth of a second of a processor, and every HTTP client would for itself.
"""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def web_trust() -> ssl.SSLContext:
    """Read with the first client that may meet TLS; all share it, on any thread."""
    return httpx.create_ssl_context(trust_env=False)
