"""Everything that can go wrong in this package.

IdentityError
└── DocumentError                 this document can be neither signed nor checked
    ├── DocumentLimitError        larger, deeper or more entangled than we take
    │   └── PoisonGraphError      its blank nodes would take for ever to tell apart
    ├── UnsignableValueError      a value that a signature would not cover, or not the same one everywhere
    ├── UnknownContextError       a context that is not in the library; none is fetched
    ├── UndefinedTermError        a term that no context defines: it would vanish from what is signed
    ├── RelativeIdentifierError   an identifier that is no absolute IRI
    └── MalformedDocumentError    not JSON-LD
"""

from __future__ import annotations


class IdentityError(Exception):
    """Root of this package's errors."""


class DocumentError(IdentityError):
    """This document can be neither signed nor checked; the sentence says why."""


class DocumentLimitError(DocumentError):
    """Larger, deeper or more entangled than we take."""


class PoisonGraphError(DocumentLimitError):
    """Its blank nodes would take for ever to tell apart."""


class UnsignableValueError(DocumentError):
    """A value that a signature would not cover, or that two implementations would write differently."""


class UnknownContextError(DocumentError):
    """A context that is not in the library; none is fetched."""


class UndefinedTermError(DocumentError):
    """A term that no context defines: it would vanish from what is signed."""


class RelativeIdentifierError(DocumentError):
    """An identifier that is no absolute IRI."""


class MalformedDocumentError(DocumentError):
    """Not JSON-LD."""
