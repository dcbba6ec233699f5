"""Answers of wallets that keep to nothing: a verdict that says nothing, or that it is nobody's answer; never more."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.age import Answer
from identity.encoding import base64url
from identity.errors import ResponseRefusedError
from identity.openid4vp.documents import DOCUMENTS, Question
from identity.openid4vp.request import Request
from identity.openid4vp.response import read_response
from identity.openid4vp.verdict import judge
from keys.clock import system_entropy
from tests.identity.openid4vp.people import ADULT, BELIEVED, form
from tests.identity.parties import NOW
from tests.identity.test_fuzz import JSON

REQUEST = Request.draw(Question(18, tuple(DOCUMENTS)), "https://verifier.example", system_entropy, encrypted=False)
SHOWN: dict[str, Any] = {name: ADULT.presentation(REQUEST, name) for name in DOCUMENTS}
CHEAP = settings(max_examples=40, deadline=None)


def says_nothing(token: object) -> None:
    try:
        answered = read_response(form(REQUEST, token), REQUEST)
    except ResponseRefusedError:
        return
    verdict = judge(answered, REQUEST, BELIEVED, NOW)
    assert (verdict.answer, verdict.by) == (Answer.UNSAID, "")


@CHEAP
@given(JSON | st.dictionaries(st.sampled_from(list(DOCUMENTS)), JSON | st.lists(JSON, max_size=2), max_size=2))
def test_any_token(token: object) -> None:
    says_nothing(token)


@CHEAP
@given(st.sampled_from([name for name, shown in SHOWN.items() if isinstance(shown, str)]), st.data())
def test_text_that_was_changed(name: str, data: st.DataObject) -> None:
    shown = SHOWN[name]
    place = data.draw(st.integers(0, len(shown) - 1))
    sign = data.draw(st.characters(codec="ascii").filter(lambda sign: sign != shown[place]))
    says_nothing({name: [shown[:place] + sign + shown[place + 1 :]]})


@CHEAP
@given(st.data())
def test_documents_that_were_changed(data: st.DataObject) -> None:
    changed = dict(SHOWN["age_credential"])
    member = data.draw(st.sampled_from(sorted(changed)))
    value = data.draw(JSON)
    changed = {**changed, member: value} if value is not None else {k: v for k, v in changed.items() if k != member}
    says_nothing({"age_credential": [changed]})


@CHEAP
@given(st.binary(max_size=64))
def test_bytes_for_a_mobile_document(content: bytes) -> None:
    says_nothing({"proof_of_age": [base64url.encode(content)]})
