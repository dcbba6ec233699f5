"""One Vault or OpenBao, spoken to through hvac: the only module that does.

Rules
- Constructing it talks to nobody; every call stands alone, so the object works again once Vault does.
- Every failure is one of `keys.errors`, and says what an operator should do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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

RETIRED: Final = "less than the minimum encryption key version"
"""What transit says, as a failure of its own (500), of a version that may no longer sign. It is no outage."""

POOLED_CONNECTIONS: Final = 64


@dataclass(frozen=True)
class Wrapped:
    """An answer that Vault keeps back until somebody presents the token: it can be unwrapped once."""

    token: str = field(repr=False)
    accessor: str
    """Names what is wrapped without giving it away: whoever may destroys it by this."""


class Vault:
    """Connections to one Vault, kept alive and shared by any number of threads."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        ca_file: Path | None = None,
        timeout: int = TIMEOUT_SECONDS,
        session: requests.Session | None = None,
    ) -> None:
        """`ca_file`: PEM that signs Vault's TLS certificate, where the public authorities do not."""
        self.url, self._timeout = url, timeout
        self._session = session or _session(url, ca_file)
        self._client = hvac.Client(url, token, session=self._session, timeout=timeout)

    def speaking_as(self, token: str) -> Vault:
        """The same Vault over the same connections, with another token or (empty) none."""
        return Vault(self.url, token, timeout=self._timeout, session=self._session)

    def read(self, path: str) -> dict[str, Any] | None:
        """The answer to a GET; None where there is nothing. Raises KeyStoreUnavailableError."""
        return self.send("get", path)

    def list(self, path: str) -> dict[str, Any] | None:
        """The answer to a LIST; None where there is nothing. Raises KeyStoreUnavailableError."""
        return self.send("list", path)

    def write(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST, empty for none. Raises KeyStoreUnavailableError."""
        return self.send("post", path, json=dict(data)) or {}

    def wrap(self, path: str, data: Mapping[str, Any], seconds: int) -> Wrapped:
        """As `write`, with the answer wrapped for so long. Raises KeyStoreUnavailableError."""
        answer = self.send("post", path, json=dict(data), wrap_ttl=f"{seconds}s") or {}
        return Wrapped(answer["wrap_info"]["token"], answer["wrap_info"]["wrapped_accessor"])

    def send(self, method: str, path: str, **request: Any) -> dict[str, Any] | None:
        """The answer to one request; None for an empty place. Raises KeyStoreUnavailableError."""
        with self._typed():
            try:
                return self._body(self._client.adapter.request(method, f"/v1/{path}", **request))
            except refusals.InvalidPath:
                if method == "post":
                    raise
                return None

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
        except refusals.InternalServerError as error:
            if RETIRED in str(error):
                raise KeyStoreRefusedError(f"Vault at {self.url} signs no more with a retired key version") from error
            raise KeyStoreDownError(f"Vault at {self.url} fails: read its log [{error}]") from error
        except refusals.VaultError as error:
            raise KeyStoreDownError(f"Vault at {self.url} fails: read its log [{error}]") from error
        except requests.RequestException as error:
            raise KeyStoreDownError(f"Vault at {self.url} does not answer: start it, or correct its address") from error


def _session(url: str, ca_file: Path | None) -> requests.Session:
    session = requests.Session()
    # Without this requests looks up proxies and ~/.netrc on every call: a third of a signature's cost,
    # and an environment variable could send our token elsewhere.
    session.trust_env = False
    session.verify = str(ca_file) if ca_file else True
    # A Vault behind TLS cannot redirect us, token and all, to an address without.
    session.adapters.clear()
    for scheme in ("https://",) if url.lower().startswith("https://") else ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=POOLED_CONNECTIONS))
    return session
