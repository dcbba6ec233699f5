"""Issuing a credential in an envelope: signed as a token, in the object that VCDM 2.0 has around one.

Rules
- Of an SD-JWT the holder may leave out each claim of a subject, but for those that a pointer makes mandatory: those it
  names, and those that it names a part of. What the credential says of itself, and the subject's id and type, stay.
- As a JWT or by COSE a credential is shown whole.

W3C VC-JOSE-COSE 1.0 §3; VCDM 2.0 §4.13.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from identity.enveloping.envelope import envelop
from identity.enveloping.secured import TOKENS_OWN, Form, sign_cose, sign_jwt, sign_sd_jwt
from identity.errors import CredentialRefusedError
from identity.jose.jws import SCHEMES, JwsSigner
from identity.mdoc.cose import ALGORITHMS
from identity.sd_jwt.concealing import Disclosable
from identity.selective.pointers import parse_pointer, select
from identity.vcdm import CREDENTIAL
from keys.clock import Entropy

ENVELOPES: Final[Mapping[str, Form]] = {f"vc+{form}": form for form in Form}
"""Formats of a credential, as its media type has them after `application/`."""

SELECTIVE: Final = f"vc+{Form.SD_JWT}"
_SUBJECT: Final = "credentialSubject"
_NAMING: Final = frozenset({"id", "type"})


def issue(
    credential: Mapping[str, object],
    form: Form,
    signer: JwsSigner,
    kid: str,
    mandatory_pointers: Sequence[str],
    entropy: Entropy,
) -> dict[str, object]:
    """`kid` is the id of the signer's verification method. Raises CredentialRefusedError, also for a member that would
    be read as a claim of the token's, SelectionError for a pointer that names nothing, and what the signer does.
    """
    if taken := sorted(TOKENS_OWN & credential.keys()):
        raise CredentialRefusedError(
            f"{taken[0]!r} is a claim of the token that a credential comes in: name it otherwise"
        )
    if form is Form.SD_JWT:
        hidden = _disclosable(credential, mandatory_pointers)
        return envelop(sign_sd_jwt(hidden, CREDENTIAL, signer, kid, entropy), form, CREDENTIAL)
    if mandatory_pointers:
        raise CredentialRefusedError(f"vc+{form} shows a credential whole: it has no mandatoryPointers")
    if form is Form.JWT:
        return envelop(sign_jwt(credential, CREDENTIAL, signer, kid), form, CREDENTIAL)
    algorithm = next(number for number, scheme in ALGORITHMS.items() if scheme is SCHEMES[signer.algorithm])
    return envelop(sign_cose(credential, CREDENTIAL, algorithm, signer.sign, kid), form, CREDENTIAL)


def _disclosable(credential: Mapping[str, object], mandatory_pointers: Sequence[str]) -> dict[str, object]:
    """The credential, in which what its holder may leave out is marked."""
    select(credential, mandatory_pointers)  # a pointer that names nothing is refused
    paths = [parse_pointer(pointer) for pointer in mandatory_pointers]
    subjects = credential[_SUBJECT]
    if isinstance(subjects, list):
        marked: object = [_marked(one, paths, (_SUBJECT, str(place))) for place, one in enumerate(subjects)]
    else:
        marked = _marked(subjects, paths, (_SUBJECT,))
    return {**credential, _SUBJECT: marked}


def _marked(subject: object, paths: Sequence[tuple[str, ...]], at: tuple[str, ...]) -> object:
    assert isinstance(subject, dict)
    return {
        name: value if name in _NAMING or _is_mandatory((*at, name), paths) else Disclosable(value)
        for name, value in subject.items()
    }


def _is_mandatory(place: tuple[str, ...], paths: Sequence[tuple[str, ...]]) -> bool:
    """Whether a path leads there, to something around it, or to something in it."""
    return any(path[: len(place)] == place[: len(path)] for path in paths)
