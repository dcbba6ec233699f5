from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest

from api.routers.openid4vp import Said
from api.running.readiness import PartName
from api.schemas.models import Called, Does, Measure
from api.web import static, words
from api.web.passkeys import Done
from cases.decisions import KINDS
from cases.likeness.lines import Caller, Decision
from cases.likeness.lines import Outcome as Happened
from cases.likeness.log import Response
from cases.likeness.retroactive import Stage
from cases.likeness.use import Use
from cases.recovery.search import By
from identity.alike import Alike
from identity.assurance.tier import EvidenceKind, Tier
from identity.issuing.credential_types import Refused
from identity.openid4vp.documents import DOCUMENTS
from identity.outcome import Outcome
from identity.registration.consent import ConsentProof
from identity.registration.holds import HoldReason
from identity.registration.record import State
from identity.registration.refusal import Kind as Registered
from identity.registration.refusal import Right
from identity.registration.rules import default_rulebook
from provenance.confidence.policy import policy_in_force
from provenance.marking import Mark
from provenance.verdict import Verdict
from provenance.vocabulary import TRAINING_MINING_ENTRIES

TEMPLATES = Path(words.__file__).with_name("templates")
_SAID = re.compile(r"""(?:\bt|\bwords)\(\s*"([a-z_.0-9A-Z]+)"\s*[,)]""")
_BUILT = re.compile(r"""["`]([a-z_]+(?:\.[a-z_]+)*\.)(?:"|\$\{)""")


def sources() -> list[str]:
    return [file.read_text() for file in chain(TEMPLATES.iterdir(), static.FOLDER.glob("*.js"))]


def test_every_code_has_a_sentence() -> None:
    said = {code for source in sources() for code in _SAID.findall(source)}
    assert len(said) > 80
    assert {code for code in said if not words.words_of().has(code) and not code.endswith(".")} == set()


def test_no_sentence_is_left_over() -> None:
    text = "".join(sources())
    built = tuple(_BUILT.findall(text))
    codes = words.words_of().sentences
    assert {code for code in codes if f'"{code}"' not in text and not code.startswith(built)} == set()


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_worded(verdict: Verdict) -> None:
    t = words.words_of()
    assert all(t.has(f"verdict.{code}") for code in (verdict, f"{verdict}.means", f"short.{verdict}"))
    assert t.has(f"result.intact.{verdict}")


def test_places_are_filled() -> None:
    assert words.words_of()("title", page="A") == "A · Sigillo"
    with pytest.raises(KeyError):
        words.words_of()("title")
    with pytest.raises(KeyError):
        words.words_of()("no.such")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("en-GB,en;q=0.9", "en"), ("xx", "en"), ("en;q=0", "en"), ("*;q=x,,;q=", "en"), ("it,en;q=0.1", "en")],
)
def test_the_best_of_our_languages(accepted: str, language: str) -> None:
    assert words.preferred(accepted) == language


def test_kinds_are_what_can_be_searched_for() -> None:
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", kind.name) for kind in KINDS)


def test_whatever_the_api_can_say_of_a_file_is_worded() -> None:
    """Codes that a template puts together out of the view's words."""
    t = words.words_of()
    made: dict[str, Iterable[str]] = {
        "result.ai.": set(Mark) - {Mark.NONE},
        "result.recovered.alike.": set(By),
        "result.creator.": set(Verdict) - {Verdict.ABSENT},
        "result.passkey.": {Verdict.TRUSTED, Verdict.UNTRUSTED},
        "result.sure.": set(policy_in_force().bands.values()),
        "proving.said.": set(Said),
        "proving.because.": set(Outcome),
        "document.": set(DOCUMENTS),
        "kind.": set(Registered),
        "state.": {*State, *(f"{state}.means" for state in State)},
        "registered.title.": {State.ACTIVE, State.HELD},
        "registered.lead.": {State.ACTIVE, State.HELD},
        "refused.": set(Refused),
        "right.": set(Right),
        "consent.": set(ConsentProof),
        "registering.known.": set(EvidenceKind),
        "registration.back.": set(Stage),
        "portraits.": set(Alike),
        "passkeys.done.": set(Done),
        "log.caller.": set(Caller),
        "log.outcome.": set(Happened),
        "log.use.": set(Use),
        "log.review.": set(Decision),
        "log.response.": set(Response),
        "holds.doubt.": {*HoldReason, *(f"{reason}.do" for reason in HoldReason)},
        "holds.tier.": set(Tier),
        "holds.known.": set(ConsentProof),
        "operate.part.": set(PartName),
        "operate.do.": set(PartName),
        "operate.models.": set(Does),
        "operate.models.called.": set(Called),
        "operate.models.at.": set(Measure),
        "use.of.": {entry.removeprefix("cawg.") for entry in TRAINING_MINING_ENTRIES},
        "place.": set(default_rulebook().regions),
    }
    assert {prefix + end for prefix, ends in made.items() for end in ends if not t.has(prefix + end)} == set()
