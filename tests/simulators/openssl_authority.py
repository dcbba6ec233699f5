"""A time-stamp authority whose answers `openssl ts -reply` makes: served as our simulator, and none of it.

Where there is no `openssl` the tests that need it are left out; in CI they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.simulators.time_stamp_authority import POLICY, TimeStampAuthority

# It is not told to embed its chain: OpenSSL writes the certificates unsorted, and strict DER is what we read.
_CONFIGURATION = f"""
[tsa]
default_tsa = here
[here]
serial = serial
default_policy = {POLICY}
signer_digest = sha256
digests = sha256
ess_cert_id_alg = sha256
"""

_COMMAND = "openssl ts -reply -config tsa.cnf -queryfile request.tsq -signer tsa.pem -inkey tsa.key -out answer.tsr"


HERE = shutil.which("openssl") is not None or "CI" in os.environ
needs_openssl = pytest.mark.skipif(not HERE, reason="the openssl command is not installed")


@dataclass
class OpenSSLAuthority(TimeStampAuthority):
    """Serve it as the other."""

    name: str = "OpenSSL time-stamps"

    def answer(self, request: bytes) -> bytes:
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "request.tsq").write_bytes(request)
            (folder / "tsa.cnf").write_text(_CONFIGURATION)
            (folder / "tsa.pem").write_bytes(self._leaf.public_bytes(Encoding.PEM))
            key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (folder / "tsa.key").write_bytes(key)
            subprocess.run(_COMMAND.split(), cwd=folder, check=True, capture_output=True)
            return self.spoil((folder / "answer.tsr").read_bytes())
