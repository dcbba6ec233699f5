"""A wallet is asked one question: who answers, who does not, and what remains of it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import cbor2
import pytest
from sqlalchemy import delete, select

from identity.age import Answer
from identity.encoding import base64url
from identity.encoding.strict_json import write_json
from identity.errors import QuestionRefusedError, RequestNotFoundError, ResponseCodeError, ResponseRefusedError
from identity.jose.jws import sign_jws
from identity.openid4vp.believed import Believed
from identity.openid4vp.documents import DOCUMENTS
from identity.openid4vp.presentations import Order
from identity.openid4vp.request import Request
from identity.openid4vp.session import Answered, Asked, Session
from identity.openid4vp.sessions import KEPT, WAITS, WalletRequest, forget_requests
from identity.openid4vp.verdict import Verdict
from identity.openid4vp.word import Word
from identity.outcome import Outcome
from identity.sd_jwt.credential import present
from identity.sd_jwt.disclosure import DEFAULT_HASH, digest
from identity.sd_jwt.key_binding import BINDING_SECONDS, Binding, sign_binding
from identity.status.status_list import TOKEN, empty
from identity.status.token import Status
from ledger.errors import SubjectErasedError
from ledger.ids import PrincipalId, SubjectId, milliseconds
from ledger.storage.tables import SubjectKey
from ledger.storage.tenancy import SystemSession
from tests.identity.openid4vp import credentials
from tests.identity.openid4vp.conftest import SERVICE, Verifier
from tests.identity.openid4vp.people import (
    ADULT,
    ATTESTER,
    CHILD,
    LICENCE_CERTIFICATE,
    STRANGER,
    Person,
    asked,
    form,
    plain,
)
from tests.identity.parties import NOW
from tests.identity.wallet import CERTIFICATE, ISSUER

WORDS = {"driving_licence": "CN=licences", "age_attestation": ATTESTER, "age_credential": credentials.ISSUER}


def verdict(verifier: Verifier, session: Session, body: bytes) -> Verdict:
    """Told to the wallet's answer, and kept for who asked, and nobody else."""
    told = verifier.presentations.answer(session.id, body).verdict
    found = verifier.presentations.look(verifier.tenant, SERVICE, session.id)
    assert found.state == Answered(asked(session).question.years, told, tuple(asked(session).question.documents))
    return told


def unsaid(verifier: Verifier, session: Session, body: bytes) -> Outcome:
    said = verdict(verifier, session, body)
    assert (said.answer, said.by) == (Answer.UNSAID, "")
    return said.outcome


def bound(session: Session, shown: str) -> bytes:
    """An answer that holds but for what is shown."""
    request = asked(session)
    binding = Binding(request.client_id, request.nonce)
    proof = sign_binding(CHILD.device.signer, binding, digest(shown, DEFAULT_HASH), NOW)
    return form(request, {"pid": [shown + proof]})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_document_answers(verifier: Verifier, document: str) -> None:
    for person, answer in ((ADULT, Answer.OVER), (CHILD, Answer.UNDER)):
        session = verifier.ask()
        said = verdict(verifier, session, plain(session, document, person))
        assert said == Verdict(answer, Outcome.HOLDS, WORDS.get(document, "CN=authority"))


def test_the_day_of_the_birthday(verifier: Verifier) -> None:
    today = NOW.date()
    for born, answer in ((today.replace(year=2008), Answer.OVER), (date(2008, 11, 29), Answer.UNDER)):
        for document in ("pid", "pid_mdoc"):
            session = verifier.ask()
            assert verdict(verifier, session, plain(session, document, Person(born))).answer is answer


class TestNobodysAnswer:
    """The request goes on waiting, and the wallet's own answer is taken after it."""

    @pytest.fixture
    def session(self, verifier: Verifier) -> Session:
        return verifier.ask()

    def refused(self, verifier: Verifier, session: Session, body: bytes) -> None:
        with pytest.raises(ResponseRefusedError):
            verifier.presentations.answer(session.id, body)
        assert verdict(verifier, session, plain(session, "pid")).answer is Answer.OVER

    @pytest.mark.parametrize("state", ["", "another", None])
    def test_of_another_state(self, verifier: Verifier, session: Session, state: str | None) -> None:
        fields = {"vp_token": write_json({"pid": [ADULT.presentation(asked(session), "pid")]}).decode()}
        fields |= {} if state is None else {"state": state}
        self.refused(verifier, session, urlencode(fields, quote_via=quote).encode())

    def test_of_another_session(self, verifier: Verifier, session: Session) -> None:
        self.refused(verifier, session, plain(verifier.ask(), "pid"))

    @pytest.mark.parametrize(
        "body",
        [b"", b"{}", b"vp_token", b"\xff=1", b"%ff=1", b"state=1&state=1", b"&".join(b"a%d=1" % n for n in range(17))],
    )
    def test_that_is_no_form(self, verifier: Verifier, session: Session, body: bytes) -> None:
        self.refused(verifier, session, body)

    def test_with_a_parameter_twice(self, verifier: Verifier, session: Session) -> None:
        self.refused(verifier, session, plain(session, "pid") + f"&state={asked(session).state}".encode())


class TestNoAnswer:
    """It was the wallet's turn, and nothing is known."""

    @pytest.mark.parametrize("error", ["access_denied", "vp_formats_not_supported"])
    def test_the_person_declines(self, verifier: Verifier, error: str) -> None:
        session = verifier.ask()
        body = urlencode({"error": error, "state": asked(session).state}).encode()
        assert unsaid(verifier, session, body) is Outcome.ABSENT

    @pytest.mark.parametrize(
        "token",
        [
            lambda given: {"degree": [given]},
            lambda given: {"proof_of_age": [given]},
            lambda given: {"pid": [given], "proof_of_age": [given]},
            lambda given: {"pid": [given, given]},
            lambda given: {"pid": given},
            lambda given: {"pid": []},
            lambda given: {"pid": [{}]},
            lambda given: {"pid": [None]},
            lambda _: {},
            lambda given: [given],
            lambda given: given,
            lambda given: f'{{"pid": ["{given}"], "pid": ["{given}"]}}',
            lambda _: "{",
        ],
    )
    def test_what_is_not_as_in_the_query(self, verifier: Verifier, token: Callable[[str], object]) -> None:
        session = verifier.ask("pid")
        request = asked(session)
        body = form(request, token(ADULT.presentation(request, "pid")))
        assert unsaid(verifier, session, body) is Outcome.UNREADABLE

    def test_without_a_token(self, verifier: Verifier) -> None:
        session = verifier.ask()
        assert unsaid(verifier, session, f"state={asked(session).state}".encode()) is Outcome.UNREADABLE

    @pytest.mark.parametrize(
        "changes",
        [
            {"nonce": "another"},
            {"audience": "https://verifier.example/openid4vp/responses"},
            {"audience": "another"},
            {"holder": STRANGER},
        ],
    )
    def test_a_binding_that_is_not_for_us(self, verifier: Verifier, changes: dict[str, Any]) -> None:
        session = verifier.ask()
        assert unsaid(verifier, session, plain(session, "pid", **changes)) is Outcome.INVALID

    @pytest.mark.parametrize("document", ["pid", "proof_of_age"])
    def test_a_presentation_made_for_another_session(self, verifier: Verifier, document: str) -> None:
        """Replayed, by who has seen it: its nonce and its address are another's."""
        before, session = verifier.ask(), verifier.ask()
        shown = ADULT.presentation(asked(before), document)
        assert verdict(verifier, before, form(asked(before), {document: [shown]})).answer is Answer.OVER
        assert unsaid(verifier, session, form(asked(session), {document: [shown]})) is Outcome.INVALID

    @pytest.mark.parametrize("changed", [{"nonce": "n"}, {"response_uri": "https://other.example"}, {"did": "did:x:y"}])
    def test_a_device_that_signed_for_another(self, verifier: Verifier, changed: dict[str, Any]) -> None:
        session = verifier.ask()
        shown = ADULT.presentation(replace(asked(session), **changed), "proof_of_age")
        assert unsaid(verifier, session, form(asked(session), {"proof_of_age": [shown]})) is Outcome.INVALID

    def test_an_old_binding(self, verifier: Verifier) -> None:
        session = verifier.ask()
        body = plain(session, "pid")
        verifier.clock.move(timedelta(seconds=BINDING_SECONDS + 1))
        assert unsaid(verifier, session, body) is Outcome.INVALID

    def test_without_a_binding(self, verifier: Verifier) -> None:
        session = verifier.ask()
        request = asked(session)
        unbound = ADULT.presentation(request, "pid").rpartition("~")[0] + "~"
        assert unsaid(verifier, session, form(request, {"pid": [unbound]})) is Outcome.INVALID

    def test_the_age_is_withheld(self, verifier: Verifier) -> None:
        for shown in ((), ("family_name",)):
            session = verifier.ask()
            assert unsaid(verifier, session, plain(session, "pid", shown=shown)) is Outcome.ABSENT
        session = verifier.ask()
        hidden = plain(session, "proof_of_age", items=lambda _: [])
        assert unsaid(verifier, session, hidden) is Outcome.ABSENT

    def test_a_disclosure_is_added(self, verifier: Verifier) -> None:
        """A younger person's birth date made older, beside the true one or in its place."""
        older = base64url.encode(write_json([base64url.encode(bytes(16)), "birthdate", "1950-01-01"]))
        for credential in (CHILD.pid(), CHILD.pid().split("~")[0] + "~"):
            session = verifier.ask()
            assert unsaid(verifier, session, bound(session, f"{credential}{older}~")) is Outcome.INVALID

    def test_two_credentials_mixed(self, verifier: Verifier) -> None:
        """A child's credential with an adult's disclosure, bound by the child's own key."""
        session = verifier.ask()
        token, older = CHILD.pid().split("~")[0], ADULT.presentation(asked(session), "pid").split("~")[1]
        assert unsaid(verifier, session, bound(session, f"{token}~{older}~")) is Outcome.INVALID
        session = verifier.ask()
        whole = bound(session, present(CHILD.pid(), [("birthdate",)]))
        assert verdict(verifier, session, whole).answer is Answer.UNDER, "else nothing would be proved"

    def test_the_algorithm_none(self, verifier: Verifier) -> None:
        session = verifier.ask()
        request = asked(session)
        token, rest = ADULT.presentation(request, "pid").split("~", 1)
        header, payload, _ = token.split(".")
        members = json.loads(base64url.decode(header, "it")) | {"alg": "none"}
        unsigned = f"{base64url.encode(write_json(members))}.{payload}.~{rest}"
        assert unsaid(verifier, session, form(request, {"pid": [unsigned]})) is Outcome.INVALID

    def test_no_mobile_document_at_all(self, verifier: Verifier) -> None:
        session = verifier.ask()
        request = asked(session)
        for nothing in ({"version": "1.0", "documents": [], "status": 0}, {"version": "1.0", "status": 10}, {}):
            shown = base64url.encode(cbor2.dumps(nothing))
            body = form(request, {"proof_of_age": [shown]})
            assert unsaid(verifier, session, body) is Outcome.INVALID
            session = verifier.ask()
            request = asked(session)

    def test_a_document_in_the_place_of_another(self, verifier: Verifier) -> None:
        session = verifier.ask()
        request = asked(session)
        shown = ADULT.presentation(request, "driving_licence")
        assert unsaid(verifier, session, form(request, {"proof_of_age": [shown]})) is Outcome.INVALID

    def test_an_authority_of_other_documents(self, verifier: Verifier) -> None:
        """Who certifies ages certifies no licences."""
        session = verifier.ask()
        body = plain(session, "driving_licence", chain=(CERTIFICATE,))
        assert unsaid(verifier, session, body) is Outcome.UNTRUSTED


class TestDerived:
    """Credentials by bbs-2023, which prove nobody's key: what was derived is bound to the request by itself."""

    CLAIMS: ClassVar = {"age_over_18": True, "age_over_21": False}

    def answer(self, verifier: Verifier, *shown: str, **changes: Any) -> tuple[Session, bytes]:
        session = verifier.ask()
        request = asked(session)
        if "of" in changes:
            changes["header"] = changes.pop("of")(request)
        return session, form(
            request, {"age_credential": [credentials.derived(request, self.CLAIMS, *shown, **changes)]}
        )

    def test_it_may_answer_by_what_follows(self, verifier: Verifier) -> None:
        session = verifier.ask(years=16)
        shown = credentials.derived(asked(session), self.CLAIMS, "age_over_18")
        body = form(asked(session), {"age_credential": [shown]})
        assert verdict(verifier, session, body).answer is Answer.OVER

    @pytest.mark.parametrize(
        "header",
        [
            lambda _: b"",
            lambda request: request.nonce.encode(),
            lambda request: replace(request, nonce="another").transcript,
            lambda request: replace(request, response_uri="https://other.example").transcript,
        ],
    )
    def test_derived_for_somebody_else(self, verifier: Verifier, header: Callable[[Request], bytes]) -> None:
        assert unsaid(verifier, *self.answer(verifier, "age_over_18", of=header)) is Outcome.INVALID

    def test_the_age_is_withheld(self, verifier: Verifier) -> None:
        assert unsaid(verifier, *self.answer(verifier, "age_over_21")) is Outcome.ABSENT

    def test_another_credential_with_such_a_claim(self, verifier: Verifier) -> None:
        assert unsaid(verifier, *self.answer(verifier, "age_over_18", kind="")) is Outcome.INVALID

    def test_what_is_shown_is_what_was_signed(self, verifier: Verifier) -> None:
        session = verifier.ask()
        request = asked(session)
        younger = credentials.derived(request, {"age_over_18": False}, "age_over_18")
        younger["credentialSubject"]["age_over_18"] = True
        assert unsaid(verifier, session, form(request, {"age_credential": [younger]})) is Outcome.INVALID

    def test_a_crowd_of_values_is_not_canonicalised(self, verifier: Verifier) -> None:
        session = verifier.ask()
        crowded = credentials.derived(asked(session), self.CLAIMS, "age_over_18")
        crowded["evidence"] = [{"type": "VerifiableCredential", "name": str(place)} for place in range(40)]
        body = form(asked(session), {"age_credential": [crowded]})
        assert unsaid(verifier, session, body) is Outcome.UNREADABLE

    def test_what_it_says_is_read_under_the_edition_that_it_pins(self, verifier: Verifier) -> None:
        shown = self.answer(verifier, "age_over_18", pinned=True)
        assert verdict(verifier, *shown).answer is Answer.OVER

    def test_whole_or_by_a_stranger(self, verifier: Verifier) -> None:
        document, proof = credentials.credential(json.dumps(self.CLAIMS))
        session = verifier.ask()
        body = form(asked(session), {"age_credential": [{**document, "proof": proof}]})
        assert unsaid(verifier, session, body) is Outcome.UNREADABLE
        believed = replace(verifier.presentations.believed(), issuers={ATTESTER})
        other = replace(verifier, presentations=replace(verifier.presentations, believed=lambda: believed))
        assert unsaid(other, *self.answer(other, "age_over_18")) is Outcome.UNTRUSTED


LIST = "https://lists.example/1"


def published(place: int, chain: bytes = CERTIFICATE) -> bytes:
    """A list by the issuer of the documents, in which the one at that place is revoked."""
    statuses = empty(TOKEN, 16).with_status({place: Status.INVALID})
    said = {"bits": 1, "lst": statuses.encode()}
    header = {"typ": "statuslist+jwt", "x5c": [b64encode(chain).decode()]}
    payload = {"sub": LIST, "iat": int(NOW.timestamp()), "status_list": said}
    return sign_jws(ISSUER.signer, header, payload).encode()


class TestStatus:
    @pytest.fixture
    def lists(self, verifier: Verifier) -> Callable[[bytes | None], Verifier]:
        def fetching(token: bytes | None) -> Verifier:
            believed = replace(verifier.presentations.believed(), fetch={LIST: token}.get)
            return replace(verifier, presentations=replace(verifier.presentations, believed=lambda: believed))

        return fetching

    def shown(self, verifier: Verifier, document: str) -> tuple[Session, bytes]:
        session = verifier.ask()
        status = {"status_list": {"uri": LIST, "idx": 3}}
        if document == "pid":
            return session, plain(session, document, Person(claims={"status": status}))
        return session, plain(session, document, security=lambda security: security | {"status": status})

    @pytest.mark.parametrize("document", ["pid", "proof_of_age"])
    def test_is_looked_up(self, lists: Callable[[bytes | None], Verifier], document: str) -> None:
        good = lists(published(4))
        assert verdict(good, *self.shown(good, document)).answer is Answer.OVER
        for token, outcome in (
            (published(3), Outcome.INVALID),
            (published(4, LICENCE_CERTIFICATE), Outcome.UNTRUSTED),
            (b"no list", Outcome.UNREADABLE),
            (None, Outcome.UNCHECKED),
        ):
            other = lists(token)
            assert unsaid(other, *self.shown(other, document)) is outcome


class TestOnce:
    def test_a_used_session_takes_no_other_answer(self, verifier: Verifier) -> None:
        session = verifier.ask()
        body = plain(session, "pid")
        assert verdict(verifier, session, body).answer is Answer.OVER
        for again in (body, plain(session, "pid", CHILD)):
            with pytest.raises(RequestNotFoundError):
                verifier.presentations.answer(session.id, again)
        found = verifier.presentations.look(verifier.tenant, SERVICE, session.id).state
        assert isinstance(found, Answered)
        assert found.verdict.answer is Answer.OVER

    def test_of_many_at_once_one_is_taken(self, verifier: Verifier) -> None:
        session = verifier.ask()
        bodies = [plain(session, "pid", person) for person in (ADULT, CHILD) * 4]

        def answer(body: bytes) -> Verdict | None:
            try:
                return verifier.presentations.answer(session.id, body).verdict
            except RequestNotFoundError:
                return None

        with ThreadPoolExecutor(8) as pool:
            (taken,) = [one for one in pool.map(answer, bodies) if one]
        found = verifier.presentations.look(verifier.tenant, SERVICE, session.id).state
        assert isinstance(found, Answered)
        assert found.verdict == taken

    def test_an_expired_session_takes_none(self, verifier: Verifier) -> None:
        session = verifier.ask()
        body = plain(session, "proof_of_age")
        verifier.clock.move(WAITS)
        with pytest.raises(RequestNotFoundError):
            verifier.presentations.answer(session.id, body)
        with pytest.raises(RequestNotFoundError):
            verifier.presentations.look(verifier.tenant, SERVICE, session.id)

    def test_a_verdict_is_kept_for_minutes(self, verifier: Verifier) -> None:
        session = verifier.ask()
        verifier.clock.move(WAITS - timedelta(seconds=1))
        verdict(verifier, session, plain(session, "proof_of_age"))
        verifier.clock.move(KEPT - timedelta(seconds=1))
        verifier.presentations.look(verifier.tenant, SERVICE, session.id)
        verifier.clock.move(timedelta(seconds=1))
        with pytest.raises(RequestNotFoundError):
            verifier.presentations.look(verifier.tenant, SERVICE, session.id)

    def test_nobody_else_sees_it(self, verifier: Verifier) -> None:
        session = verifier.ask()
        other = verifier.world.ledger.create_tenant("other")
        for tenant, principal in ((verifier.tenant, PrincipalId("prn_other")), (other, SERVICE)):
            with pytest.raises(RequestNotFoundError):
                verifier.presentations.look(tenant, principal, session.id)


class TestSentBack:
    """A wallet on the same device: what was said is for the browser that its person comes back in."""

    def ask(self, verifier: Verifier, address: str = "https://shop.example/age?cart=1") -> Session:
        order = Order(18, return_to=address, encrypted=False)
        return verifier.presentations.begin(verifier.tenant, SERVICE, order)

    def test_with_a_code(self, verifier: Verifier) -> None:
        session = self.ask(verifier)
        redirect = verifier.presentations.answer(session.id, plain(session, "proof_of_age")).redirect
        address, _, code = redirect.rpartition("&response_code=")
        assert (address, len(code)) == ("https://shop.example/age?cart=1", 43)
        for wrong in ("", code[:-1], "é"):
            with pytest.raises(ResponseCodeError):
                verifier.presentations.look(verifier.tenant, SERVICE, session.id, wrong)
        found = verifier.presentations.look(verifier.tenant, SERVICE, session.id, code).verdict
        assert found is not None
        assert found.answer is Answer.OVER

    def test_nothing_said_needs_no_code(self, verifier: Verifier) -> None:
        session = self.ask(verifier, "https://shop.example/age")
        body = urlencode({"error": "access_denied", "state": asked(session).state}).encode()
        redirect = verifier.presentations.answer(session.id, body).redirect
        assert redirect.startswith("https://shop.example/age?response_code=")
        found = verifier.presentations.look(verifier.tenant, SERVICE, session.id).verdict
        assert found == Verdict(Answer.UNSAID, Outcome.ABSENT)


def test_what_is_over_is_forgotten_with_its_key(verifier: Verifier) -> None:
    gone, verdicts, waits = verifier.ask(), verifier.ask(), verifier.ask()
    subject = SubjectId(gone.id)
    verifier.clock.move(timedelta(minutes=1))
    verdict(verifier, verdicts, plain(verdicts, "proof_of_age"))
    kept = verifier.ask()
    verifier.clock.move(WAITS - timedelta(minutes=1))
    now = milliseconds(verifier.clock())
    verifier.world.database.write(lambda connection: forget_requests(connection, now))
    with verifier.world.database.read(SystemSession.SWEEP) as connection:
        left = set(connection.execute(select(WalletRequest.id)).scalars())
        keys = set(connection.execute(select(SubjectKey.id).where(SubjectKey.id.startswith("wrq_"))).scalars())
    assert left == keys
    assert kept.id in left
    assert not {gone.id, verdicts.id, waits.id} & left
    with pytest.raises(SubjectErasedError):
        verifier.world.ledger.subjects.open(verifier.tenant, subject)


def test_a_session_whose_key_is_gone_is_over(verifier: Verifier) -> None:
    session = verifier.ask()
    verifier.world.database.write(
        lambda connection: connection.execute(delete(SubjectKey).where(SubjectKey.id == session.id))
    )
    with pytest.raises(RequestNotFoundError):
        verifier.presentations.answer(session.id, b"")


def test_an_epoch_may_end_while_one_begins(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = verifier.world.ledger
    create = ledger.subjects.create

    def late(*given: Any) -> Any:
        made = create(*given)
        ledger.epochs.advance(verifier.tenant)
        return made

    monkeypatch.setattr(ledger.subjects, "create", late)
    session = verifier.ask()
    assert verdict(verifier, session, plain(session, "pid")).answer is Answer.OVER


def test_nothing_is_recorded_of_it(verifier: Verifier) -> None:
    """A verdict decides nothing here, and a public entry would tell when somebody was somewhere."""
    before = verifier.world.ledger.status().committed
    session = verifier.ask()
    verdict(verifier, session, plain(session, "pid"))
    assert verifier.world.ledger.status().committed == before


def test_what_is_asked_of_documents_nobody_vouches_for(verifier: Verifier) -> None:
    with pytest.raises(QuestionRefusedError, match="proof_of_age"):
        verifier.ask("degree")
    for believed in (Believed(), Believed({Word.PID: []})):
        nobody = replace(verifier.presentations, believed=partial(Believed, believed.anchors))
        with pytest.raises(QuestionRefusedError):
            nobody.begin(verifier.tenant, SERVICE, Order(18))
    licences = Believed({Word.DRIVING_LICENCE: verifier.presentations.believed().anchors[Word.DRIVING_LICENCE]})
    only = replace(verifier.presentations, believed=lambda: licences)
    state = only.begin(verifier.tenant, SERVICE, Order(18)).state
    assert isinstance(state, Asked)
    assert state.request.question.documents == ("driving_licence",)
