"""One Vault or OpenBao, spoken to through hvac: the only module that does.

Rules
- Constructing it talks to nobody; every call stands alone, so the object works again once Vault does.
- Every failure is one of `keys.errors`, and says what an operator should do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import hvac
import requests
from hvac import exceptions as refusals
from requests.adapters import HTTPAdapter

from keys.errors import (
    KeyStoreDownError,
    KeyStoreForbiddenError,
    KeyStoreRefusedError,
    KeyStoreSealedError,
)

TIMEOUT_SECONDS: Final = 5
"""For the connection, and for each answer: a signature takes a millisecond."""

POOLED_CONNECTIONS: Final = 64


class Vault:
    """Connections to one Vault, kept alive and shared by any number of threads."""

    def __init__(
        self, url: str, token: str = "", *, ca_file: Path | None = None, timeout: int = TIMEOUT_SECONDS
    ) -> None:
        """`ca_file`: PEM that signs Vault's TLS certificate, where the public authorities do not."""
        self.url = url
        session = requests.Session()
        # Without this requests looks up proxies and ~/.netrc on every call: a third of a signature's cost,
        # and an environment variable could send our token elsewhere.
        session.trust_env = False
        session.verify = str(ca_file) if ca_file else True
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=POOLED_CONNECTIONS))
        self._client = hvac.Client(url, token, session=session, timeout=timeout)

    def read(self, path: str) -> dict[str, Any] | None:
        """The answer to a GET; None where there is nothing. Raises KeyStoreUnavailableError."""
        with self._typed():
            return self._body(self._client.read(path))

    def list(self, path: str) -> dict[str, Any] | None:
        """The answer to a LIST; None where there is nothing. Raises KeyStoreUnavailableError."""
        with self._typed():
            return self._body(self._client.list(path))

    def write(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST, empty for none. Raises KeyStoreUnavailableError."""
        with self._typed():
            return self._body(self._client.write_data(path, data=dict(data))) or {}

    def _body(self, answer: Any) -> dict[str, Any] | None:
        # hvac gives a JSON answer as a dict, 404 as None, and everything else as the bare response.
        if answer is None or isinstance(answer, dict):
            return answer
        if answer.status_code == requests.codes.no_content:
            return {}
        raise KeyStoreDownError(f"{self.url} answers, but not as Vault does: correct its address")

    @contextmanager
    def _typed(self) -> Iterator[None]:
        try:
            yield
        except (refusals.Forbidden, refusals.Unauthorized) as error:
            raise KeyStoreForbiddenError(
                f"Vault at {self.url} refuses our token: give one that is current and has the "
                f"sigillo-service policy (run the bootstrap again) [{error}]"
            ) from error
        except (refusals.VaultDown, refusals.VaultNotInitialized) as error:
            raise KeyStoreSealedError(f"Vault at {self.url} is sealed: unseal it") from error
        except (refusals.InvalidRequest, refusals.InvalidPath) as error:
            raise KeyStoreRefusedError(
                f"Vault at {self.url} is not set up as we need it: run the bootstrap [{error}]"
            ) from error
        except refusals.VaultError as error:
            raise KeyStoreDownError(f"Vault at {self.url} fails: read its log [{error}]") from error
        except requests.RequestException as error:
            raise KeyStoreDownError(f"Vault at {self.url} does not answer: start it, or correct its address") from error
