from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from requests import Request
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from urllib3.connectionpool import HTTPConnectionPool

from keys.errors import (
    KeyStoreDownError,
    KeyStoreForbiddenError,
    KeyStoreRefusedError,
    KeyStoreSealedError,
    KeyStoreUnavailableError,
)
from keys.openbao import OpenBao
from keys.vault import Vault


@pytest.fixture
def web_server() -> Iterator[str]:
    """Something that answers HTTP and is no Vault."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_constructing_talks_to_nobody() -> None:
    Vault("http://127.0.0.1:1", "token")


def test_nobody_there_is_down() -> None:
    with pytest.raises(KeyStoreDownError, match="start it"):
        Vault("http://127.0.0.1:1").read("sys/mounts")


def test_silence_is_down(silent_server: str) -> None:
    with pytest.raises(KeyStoreDownError):
        Vault(silent_server, timeout=1).write("sys/mounts", {})


def test_another_kind_of_server_is_down(web_server: str) -> None:
    with pytest.raises(KeyStoreDownError):
        Vault(web_server).read("sys/mounts")


def test_a_server_without_its_certificate_is_not_trusted(silent_server: str) -> None:
    with pytest.raises(KeyStoreDownError):
        Vault(silent_server.replace("http", "https"), timeout=1).read("sys/mounts")


def test_reading_nothing_is_none(openbao: OpenBao, service_token: str) -> None:
    assert openbao.vault().read("sigillo/epochs/keys/nobody") is None
    assert openbao.vault().list("sigillo/nothing/here") is None


def test_an_answer_without_content_is_empty(openbao: OpenBao) -> None:
    assert openbao.vault().write("cubbyhole/note", {"a": "b"}) == {}
    assert openbao.vault().read("cubbyhole/note") is not None


def test_a_request_it_does_not_understand_is_refused(openbao: OpenBao, service_token: str) -> None:
    with pytest.raises(KeyStoreRefusedError, match="bootstrap"):
        openbao.vault().write("sigillo/signing/sign/nobody", {"input": ""})
    with pytest.raises(KeyStoreRefusedError, match="bootstrap"):
        openbao.vault().write("no/such/mount", {})


@pytest.mark.parametrize("token", ["", "s.nonsense"])
def test_a_bad_token_is_forbidden(openbao: OpenBao, token: str) -> None:
    with pytest.raises(KeyStoreForbiddenError, match="token"):
        Vault(openbao.url, token).read("sys/mounts")


def test_no_error_shows_the_token(openbao: OpenBao) -> None:
    with pytest.raises(KeyStoreForbiddenError) as caught:
        Vault(openbao.url, "s.secretsecretsecret").read("sys/mounts")
    assert "secretsecret" not in str(caught.value)


def test_the_same_object_works_again_after_a_seal(openbao: OpenBao) -> None:
    vault = openbao.vault()
    vault.read("sys/mounts")
    openbao.seal()
    try:
        with pytest.raises(KeyStoreSealedError, match="unseal it"):
            vault.read("sys/mounts")
    finally:
        openbao.unseal()
    assert vault.read("sys/mounts") is not None


def test_the_same_object_works_again_after_a_kill(openbao: OpenBao) -> None:
    vault = openbao.vault()
    vault.read("sys/mounts")
    openbao.kill()
    try:
        with pytest.raises(KeyStoreDownError):
            vault.read("sys/mounts")
    finally:
        openbao.start()
    assert vault.read("sys/mounts") is not None


def test_an_outage_is_one_kind_of_error() -> None:
    for kind in (KeyStoreSealedError, KeyStoreDownError, KeyStoreForbiddenError, KeyStoreRefusedError):
        assert issubclass(kind, KeyStoreUnavailableError)


def test_the_environment_cannot_send_the_token_elsewhere(
    openbao: OpenBao, web_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, web_server)
    monkeypatch.setenv("VAULT_ADDR", web_server)
    assert openbao.vault().read("sys/mounts") is not None


@pytest.mark.parametrize(("url", "schemes"), [("https://v", ["https://"]), ("http://v", ["https://", "http://"])])
def test_a_vault_behind_tls_cannot_send_us_where_there_is_none(url: str, schemes: list[str]) -> None:
    session = Vault(url)._session
    assert list(session.adapters) == schemes
    if "http://" not in schemes:
        with pytest.raises(InvalidSchema):
            session.get_adapter("http://elsewhere")


def test_another_token_goes_over_the_same_connections(openbao: OpenBao, service_token: str) -> None:
    vault = openbao.vault()
    service = vault.speaking_as(service_token)
    assert service._session is vault._session
    with pytest.raises(KeyStoreForbiddenError):
        service.read("sys/mounts")
    assert vault.read("sys/mounts") is not None


def test_threads_keep_their_connections(openbao: OpenBao) -> None:
    vault = openbao.vault()
    adapter = vault._client.session.get_adapter(openbao.url)
    assert isinstance(adapter, HTTPAdapter)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: vault.read("sys/mounts"), range(64)))
    opened = adapter.get_connection_with_tls_context(Request("GET", openbao.url).prepare(), verify=True)
    assert isinstance(opened, HTTPConnectionPool)
    assert opened.num_connections <= 8
    assert opened.num_requests == 64
