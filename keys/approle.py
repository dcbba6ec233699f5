"""Who we are to Vault, when we are a role of its AppRole method: a role id, and a secret-id that came wrapped.

Rules
- A wrapping token is presented once, and only after Vault said that our role's secret-id is in it.
- One that Vault no longer knows is an alarm: somebody else may have our secret-id. Nothing is tried in its place.
- The secret-id is kept in a file of mode 0600, so that a restart needs nobody. It goes with the digest of the wrapping
  token it came in: the same token given again is that secret-id, and another one is a new secret-id.

Why it is kept, and what that costs: docs/adr/0006-the-secret-id-is-kept.md. The AppRole method and response wrapping:
openbao.org/docs/auth/approle and /docs/concepts/response-wrapping.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from keys.clock import Clock, system_clock
from keys.errors import KeyStoreForbiddenError, KeyStoreRefusedError, LooseFileModeError, WrappingTokenError
from keys.observer import Credential, Observer, Unobserved
from keys.secret_file import locked, read_secret, replace_secret
from keys.vault import Vault
from keys.vault_login import Grant

AUTH_MOUNT: Final = "auth/sigillo"
"""AppRole, on its own mount: what others set up at `auth/approle` is theirs."""

ROLE: Final = "sigillo-service"
SECRET_ID_PATH: Final = f"{AUTH_MOUNT}/role/{ROLE}/secret-id"
"""Where our secret-ids are made, and what Vault must say of a wrapping token that is offered to us."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    came_in: str
    """SHA-256 of the wrapping token, hex."""

    secret_id: str
    ends: AwareDatetime | None
    """None: never."""


class AppRole:
    """Implements `keys.vault_login.Identity`. Called by one thread at a time."""

    def __init__(
        self,
        role_id: str,
        wrapped: Callable[[], str],
        kept: Path,
        clock: Clock = system_clock,
        observer: Observer | None = None,
    ) -> None:
        """`wrapped` gives the wrapping token the operator handed over last, empty for none; `kept` is our file."""
        self._role_id, self._wrapped, self._path = role_id, wrapped, kept
        self._clock, self._observer = clock, observer or Unobserved()

    def login(self, vault: Vault) -> Grant:
        """A fresh token. Raises WrappingTokenError, KeyStoreUnavailableError."""
        kept = self._secret(vault)
        self._observer.ends(Credential.SECRET_ID, kept.ends)
        try:
            answer = vault.write(f"{AUTH_MOUNT}/login", {"role_id": self._role_id, "secret_id": kept.secret_id})
        except KeyStoreRefusedError as error:
            raise KeyStoreForbiddenError(
                f"Vault at {vault.url} does not take our role id and secret-id: the secret-id ended, is used up or was "
                "destroyed; run the bootstrap and give the service the wrapping token it prints"
            ) from error
        return Grant.of(answer["auth"])

    def _secret(self, vault: Vault) -> _Kept:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._path.with_name(f"{self._path.name}.lock")):
                return self._kept_or_unwrapped(vault)
        except (OSError, LooseFileModeError) as error:
            raise KeyStoreForbiddenError(f"the secret-id cannot be read or kept: {error}") from error

    def _kept_or_unwrapped(self, vault: Vault) -> _Kept:
        kept, token = self._read(), self._wrapped()
        came_in = sha256(token.encode()).hexdigest()
        if kept is not None and (not token or came_in == kept.came_in):
            return kept
        if not token:
            raise KeyStoreForbiddenError(
                f"no secret-id is kept ({self._path.name}), and none was given: run the bootstrap and give the service "
                "the wrapping token it prints"
            )
        secret_id, life = _unwrap(vault, token)
        fresh = _Kept(came_in=came_in, secret_id=secret_id, ends=self._clock() + life if life else None)
        replace_secret(self._path, fresh.model_dump_json().encode())
        return fresh

    def _read(self) -> _Kept | None:
        try:
            return _Kept.model_validate_json(read_secret(self._path))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise KeyStoreForbiddenError(
                f"{self._path.name} is not as it was written: remove it, run the bootstrap and give the service the "
                "wrapping token it prints"
            ) from error


def _unwrap(vault: Vault, token: str) -> tuple[str, timedelta]:
    """The secret-id and how long it lasts (zero for ever). Raises WrappingTokenError, KeyStoreUnavailableError."""
    try:
        path = vault.write("sys/wrapping/lookup", {"token": token})["data"]["creation_path"]
        if path != SECRET_ID_PATH:
            raise WrappingTokenError(
                f"the wrapping token is forged: Vault at {vault.url} made it at another place than {SECRET_ID_PATH}; "
                "find out who gave it to the service, and run the bootstrap for a new one"
            )
        data = vault.speaking_as(token).write("sys/wrapping/unwrap", {})["data"]
    except KeyStoreRefusedError as error:
        raise WrappingTokenError(
            f"ALARM: Vault at {vault.url} no longer knows the wrapping token: it ended, or somebody else unwrapped it "
            "and has our secret-id; destroy that secret-id by its accessor, look in Vault's audit log for who it was, "
            "and run the bootstrap for a new one"
        ) from error
    return data["secret_id"], timedelta(seconds=data["secret_id_ttl"])
