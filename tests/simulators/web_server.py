"""A web server over TLS under a CA of its own, that answers with whatever bytes a test wants, as slowly as it wants."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "issuer.example"

Answer = Callable[[str], Iterable[bytes]]
"""From the request's head to the pieces of what comes back."""


def http(content: bytes, kind: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    usual = f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n"
    return f"HTTP/1.1 {status}\r\n{usual}{more}\r\n".encode() + content


@cache
def _certified() -> tuple[str, str]:
    """The PEM of a certificate for NAME that is its own root, and of its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = built.public_bytes(Encoding.PEM).decode()
    return pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def trust() -> ssl.SSLContext:
    """Believes the server, and nobody else."""
    return ssl.create_default_context(cadata=_certified()[0])


@dataclass
class WebServer:
    """`asked` are the heads of the requests that came."""

    answer: Answer
    address: str = "127.0.0.1"
    tls: bool = True
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[WebServer]:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.create_server((self.address, self.port), family=family) as listening:
            self.port = int(listening.getsockname()[1])
            threading.Thread(target=self._serve, args=(listening, _context()), daemon=True).start()
            yield self

    def _serve(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                plain, _ = listening.accept()
                threading.Thread(target=self._talk, args=(plain, context), daemon=True).start()

    def _talk(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        # Who asks may go away at any moment.
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) if self.tls else plain as spoken:
            head = spoken.recv(65536).decode()
            self.asked.append(head)
            for piece in self.answer(head):
                spoken.sendall(piece)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder, "both.pem")
        file.write_text("".join(_certified()))
        context.load_cert_chain(file)
    return context
