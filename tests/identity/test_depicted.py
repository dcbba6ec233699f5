"""Who is in a picture: by a selfie, by a face of one's own that is registered; what is on record, and what is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from sqlalchemy import Connection

from detection.errors import MatchUnknownError
from detection.faces.found import FACE_MODEL, Face, Faces, Sighting
from detection.templates.bank import Bank, Model
from detection.templates.index import TemplateIndex
from detection.templates.matcher import MAX_FACES, Matcher
from detection.templates.rotations import Rotations
from detection.templates.template import Embedding
from detection.templates.thresholds import Band
from identity.alike import Alike
from identity.assurance.account import Actor
from identity.assurance.errors import AccountNotFoundError
from identity.decisions import KINDS, DepictionJudged
from identity.depicted import Basis, Depictions, Pictured, picture_mark
from identity.registration.decisions import KINDS as REGISTRATION_KINDS
from identity.registration.errors import RegistrationNotFoundError
from identity.registration.holds import Doubt
from identity.registration.refusal import Right
from identity.registration.registry import Store
from keys.clock import system_entropy
from ledger.forgetting.subjects import Subject
from ledger.ids import PrincipalId, SubjectId
from tests.identity.assurance.house import House
from tests.identity.assurance.house import running as assurance
from tests.identity.registration.desk import RegistryDesk
from tests.identity.test_alike import face

ME = face(1)
DIGEST = hashlib.sha256(b"the picture").digest()


@dataclass
class Protected:
    """A face whose template is stored, in a real bank."""

    bank: Bank
    embedding: Embedding

    def doubts(self) -> Sequence[Doubt]:
        return ()

    def prepared(self, subject: Subject) -> Store:
        prepared = self.bank.prepared(subject, [self.embedding])

        def store(connection: Connection) -> None:
            self.bank.insert(connection, prepared)

        return store


@dataclass(frozen=True)
class Office:
    """Where depictions are judged."""

    desk: RegistryDesk

    @cached_property
    def bank(self) -> Bank:
        accounts = self.desk.house.accounts
        rotations = Rotations(accounts.database, accounts.ledger.subjects, system_entropy)
        model = Model(str(FACE_MODEL), FACE_MODEL.dimensions)
        return Bank(accounts.database, accounts.ledger.subjects, rotations, model, system_entropy)

    @cached_property
    def depictions(self) -> Depictions:
        index = TemplateIndex(self.desk.house.accounts.database, self.bank)
        return Depictions(self.desk.house.accounts, self.desk.registrations, Matcher(self.bank, index))

    def registered(self, by: Actor, account: SubjectId, who: Face = ME, **changes: object) -> SubjectId:
        """A face that is registered."""
        protected = Protected(self.bank, who.embedding)
        request = self.desk.request(**changes)
        return self.desk.registry.register(by, account, request, protected).registration.id


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    kinds = (*REGISTRATION_KINDS, *KINDS)
    with assurance(tmp_path_factory.mktemp("depicted") / "sigillo.db", kinds) as house:
        yield Office(RegistryDesk(house))


@pytest.fixture
def house(office: Office) -> House:
    return office.desk.house


@pytest.fixture
def platform(house: House) -> Actor:
    return house.platform()


@pytest.fixture
def account(office: Office, platform: Actor) -> SubjectId:
    return office.desk.account(platform, "reporter")


def pictured(*faces: Face, moments: int = 1) -> Pictured:
    """A picture with these faces, or a film that shows them at its end."""
    sightings = (*(Sighting(at, ()) for at in range(moments - 1)), Sighting(moments, faces))
    return Pictured(Faces("image/jpeg", str(FACE_MODEL), sightings), DIGEST)


@pytest.mark.parametrize(
    ("cosine", "verdict", "band"),
    [
        (0.99, Alike.MATCHES, Band.CERTAIN),
        (0.6, Alike.UNCLEAR, Band.POSSIBLE),
        (0.2, Alike.DIFFERS, Band.NO_MATCH),
    ],
)
def test_a_selfie_says_whether_its_face_is_in_the_picture(
    office: Office, house: House, platform: Actor, account: SubjectId, cosine: float, verdict: Alike, band: Band
) -> None:
    judged = office.depictions.by_selfie(platform, account, pictured(face(0.1), face(cosine), moments=3), ME)
    assert (judged.verdict, judged.basis, judged.band) == (verdict, Basis.SELFIE, band)
    assert judged.at == house.accounts.now()
    kind, said = house.entries(platform)[-1]
    assert kind == "depiction.judged"
    subject = house.accounts.subject(platform.tenant, account)
    assert said == DepictionJudged(
        account=account,
        depiction=judged.id,
        picture=picture_mark(subject, DIGEST),
        verdict=verdict,
        basis="selfie",
        band=band,
        registration="",
        credential="",
        model=str(FACE_MODEL),
        thresholds="sface@1",
    )
    assert said.picture != DIGEST.hex()


def test_a_picture_without_a_face_shows_nobody(office: Office, platform: Actor, account: SubjectId) -> None:
    assert office.depictions.by_selfie(platform, account, pictured(), ME).verdict is Alike.DIFFERS


def test_a_registered_face_of_ones_own_is_found(
    office: Office, house: House, platform: Actor, account: SubjectId
) -> None:
    registration = office.registered(platform, account)
    crowd = [face(value) for value in np.linspace(-0.5, 0.3, MAX_FACES)]
    judged = office.depictions.by_registration(platform, account, pictured(*crowd, face(0.9)))
    assert (judged.verdict, judged.basis) == (Alike.MATCHES, Basis.REGISTRATION)
    _, said = house.entries(platform)[-1]
    assert said.registration == registration
    assert said.credential == office.desk.registrations.find(platform.tenant, registration).credential
    assert office.depictions.by_registration(platform, account, pictured(face(0.1))).verdict is Alike.DIFFERS
    assert house.entries(platform)[-1][1].registration == ""


def test_nobody_elses_registration_counts(office: Office, platform: Actor, account: SubjectId) -> None:
    other = office.desk.account(platform, "somebody-else")
    office.registered(platform, other)
    with pytest.raises(RegistrationNotFoundError):
        office.depictions.by_registration(platform, account, pictured(ME))


def test_a_child_that_one_registered_is_not_oneself(office: Office, platform: Actor, account: SubjectId) -> None:
    office.registered(platform, account, right=Right.PARENT, stated="mother")
    with pytest.raises(RegistrationNotFoundError):
        office.depictions.by_registration(platform, account, pictured(ME))


def test_of_another_tenants_account_nothing_is_judged(office: Office, house: House, account: SubjectId) -> None:
    stranger = house.platform()
    with pytest.raises(AccountNotFoundError):
        office.depictions.by_selfie(stranger, account, pictured(ME), ME)
    with pytest.raises(RegistrationNotFoundError):
        office.depictions.by_registration(stranger, account, pictured(ME))


def test_what_another_model_registered_is_unknown_and_not_absent(
    office: Office, platform: Actor, account: SubjectId
) -> None:
    office.registered(platform, account)
    house = office.desk.house
    newer = Model("another@2", FACE_MODEL.dimensions)
    bank = Bank(house.accounts.database, house.accounts.ledger.subjects, office.bank.rotations, newer, system_entropy)
    matcher = Matcher(bank, TemplateIndex(house.accounts.database, bank))
    with pytest.raises(MatchUnknownError):
        Depictions(house.accounts, office.desk.registrations, matcher).by_registration(platform, account, pictured(ME))


def test_who_may_not_act_any_more_has_nothing_recorded(
    office: Office, house: House, platform: Actor, account: SubjectId
) -> None:
    def dead(_connection: Connection) -> None:
        raise AccountNotFoundError

    before = len(house.entries(platform))
    with pytest.raises(AccountNotFoundError):
        office.depictions.by_selfie(Actor(platform.tenant, PrincipalId("prn_x"), dead), account, pictured(ME), ME)
    assert len(house.entries(platform)) == before


def test_erasing_the_account_takes_the_verdicts(
    office: Office, house: House, platform: Actor, account: SubjectId
) -> None:
    judged = office.depictions.by_selfie(platform, account, pictured(ME), ME)
    house.accounts.erase(platform, account)
    (row,) = house.rows("SELECT sealed FROM payload WHERE entry_id = :entry", entry=judged.entry)
    assert row == (None,)
