"""How a template and an embedding are sealed under their owner's key.

Rules
- Associated data names what it is, tenant, owner, number and face model, and of a template the version of its rotation:
  what was swapped between rows, moved or relabelled does not open.
- An embedding outlives rotations: templates are made anew from it, without the photo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from detection.templates.template import TEMPLATE_BYTES
from keys.clock import Entropy
from keys.errors import SealBrokenError
from keys.sealing import derive, seal, unseal
from ledger.forgetting.subjects import Subject

_PURPOSE: Final = "sigillo/face/v1"


@dataclass(frozen=True)
class Place:
    """Which photo of whom, by which model."""

    n: int
    model: str


@dataclass(frozen=True)
class FaceKey:
    """The key that an owner's faces are sealed under. Keep it no longer than one piece of work."""

    owner: Subject = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, owner: Subject) -> FaceKey:
        """Derived from the owner's."""
        return cls(owner, derive(owner.key, _PURPOSE))

    def seal_template(self, place: Place, rotation: int, template: bytes, entropy: Entropy) -> bytes:
        """TEMPLATE_BYTES, sealed."""
        return seal(self.key, template, self._associated(f"template/{rotation}", place), entropy)

    def open_template(self, place: Place, rotation: int, sealed: bytes) -> bytes:
        """What `seal_template` sealed. Raises SealBrokenError."""
        opened = unseal(self.key, sealed, self._associated(f"template/{rotation}", place))
        if len(opened) != TEMPLATE_BYTES:
            raise SealBrokenError("a sealed template is of another length")
        return opened

    def seal_embedding(self, place: Place, embedding: bytes, entropy: Entropy) -> bytes:
        """An embedding's bytes, sealed."""
        return seal(self.key, embedding, self._associated("embedding", place), entropy)

    def open_embedding(self, place: Place, sealed: bytes) -> bytes:
        """What `seal_embedding` sealed. Raises SealBrokenError."""
        return unseal(self.key, sealed, self._associated("embedding", place))

    def _associated(self, what: str, place: Place) -> bytes:
        return f"face/v1\0{what}\0{self.owner.tenant}\0{self.owner.id}\0{place.n}\0{place.model}".encode()
