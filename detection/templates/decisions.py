"""The kinds of entry about templates: a rotation key begins, and takes the place of those before it.

Sealed under the tenant's system subject. They name versions and count templates: nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.payload import Kind

POLICY = "face-rotation@1"


@dataclass(frozen=True)
class RotationBegun:
    """Somebody had the tenant's rotation key renewed: from now on templates are made under this version."""

    version: int
    templates: int
    """How many are to be made anew."""


@dataclass(frozen=True)
class RotationRenewed:
    """Every template is under this version, and the keys of those before it are destroyed."""

    version: int
    destroyed: tuple[int, ...]


ROTATION_BEGUN = Kind("rotation.begun", RotationBegun)
ROTATION_RENEWED = Kind("rotation.renewed", RotationRenewed)

KINDS = (ROTATION_BEGUN, ROTATION_RENEWED)
"""What the composition root registers."""
