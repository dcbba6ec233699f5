"""What is recorded of an upload's marks of AI."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cases.signing import Judged
from detection.metadata import UNREAD
from provenance.marking import Mark
from provenance.report import History
from provenance.verdict import Verdict
from provenance.vocabulary import DigitalSourceType
from tests.provenance.house import REQUEST


@pytest.mark.parametrize(
    ("ancestry", "mark"),
    [(None, Mark.VERIFIED), (Verdict.TRUSTED, Mark.VERIFIED), (Verdict.UNTRUSTED, Mark.FOUND)],
)
def test_a_mark_that_somebody_unknown_made_is_not_verified_by_who_signed_over_it(
    ancestry: Verdict | None, mark: Mark
) -> None:
    kinds = (str(DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA),)
    history = History(Verdict.TRUSTED, ancestry, "urn:c2pa:a", (), "", kinds)
    found = cast("Any", SimpleNamespace(mime="image/png"))
    assert Judged.of(REQUEST, found, history, UNREAD, None, datetime.now(UTC)).marking.mark is mark
