"""Whom this deployment asks for evidence: the operator's file, read once at the start.

Rules
- The file holds secrets: it is its owner's alone (mode 600). What is wrong with it is said without showing any.
- A provider's name is chosen here and goes into entries and answers; it is no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from identity.assurance.errors import AssuranceProvidersError
from identity.assurance.provider import Client
from identity.assurance.tier import EvidenceKind
from identity.assurance.webhook import Secret
from keys.errors import LooseFileModeError
from keys.secret_file import read_secret

NAME: Final = "^[a-z0-9][a-z0-9.-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _known(text: SecretStr) -> SecretStr:
    Secret.parse(text.get_secret_value())
    return text


class GatewayEntry(_Strict):
    """Who sends codes."""

    url: Annotated[str, Field(pattern="^https?://[^ @]+$")]
    secret: SecretStr

    _secret = field_validator("secret")(_known)

    def key(self) -> Secret:
        """What signs our messages to it."""
        return Secret.parse(self.secret.get_secret_value())


class HouseEntry(_Strict):
    """A house that knows its customers; two secrets while one is being changed."""

    secrets: Annotated[tuple[SecretStr, ...], Field(min_length=1, max_length=2)]

    @field_validator("secrets")
    @classmethod
    def _secrets(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(map(_known, secrets))

    def keys(self) -> tuple[Secret, ...]:
        """What its messages may be signed with."""
        return tuple(Secret.parse(one.get_secret_value()) for one in self.secrets)


class _Entry(_Strict):
    """An identity provider."""

    issuer: Annotated[str, Field(pattern="^https?://[^ @?#]+$")]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: SecretStr = SecretStr("")
    algorithm: Literal["RS256", "ES256"] = "RS256"

    def at(self, name: str, redirect_uri: str, evidence: EvidenceKind = EvidenceKind.LOGIN) -> Client:
        """Ourselves, as it knows us."""
        secret = self.client_secret.get_secret_value()
        return Client(name, self.issuer, self.client_id, secret, redirect_uri, evidence, self.algorithm)


class LoginEntry(_Entry):
    """One whose logins are evidence; the platform takes people back."""

    redirect_uri: Annotated[str, Field(pattern="^https?://[^ @#]+$")]
    evidence: Literal[EvidenceKind.LOGIN, EvidenceKind.PUBLIC_ACCOUNT] = EvidenceKind.LOGIN

    def client(self, name: str) -> Client:
        """Ourselves, as it knows us."""
        return self.at(name, self.redirect_uri, self.evidence)


class StaffEntry(_Entry):
    """One where staff sign in; a page of ours takes them back."""


class Providers(_Strict):
    """The file. Everything may be left out."""

    gateway: GatewayEntry | None = None
    logins: Mapping[Name, LoginEntry] = Field(default_factory=dict)
    kyc: Mapping[Name, HouseEntry] = Field(default_factory=dict)
    staff: Mapping[Name, StaffEntry] = Field(default_factory=dict)


def read_providers(file: Path) -> Providers:
    """Raises AssuranceProvidersError."""
    try:
        return Providers.model_validate_json(read_secret(file))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors())
        raise AssuranceProvidersError(f"{file}: {'; '.join(faults)}") from error
    except (OSError, LooseFileModeError) as error:
        raise AssuranceProvidersError(f"{file}: {error}") from error
