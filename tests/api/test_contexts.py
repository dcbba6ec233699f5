"""The operator's JSON-LD contexts: as they were published, byte for byte."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from api.parts.contexts import MAX_CONTEXTS, contexts_of
from api.running.home import StartError
from api.settings import Settings
from identity.jsonld.context_library import CREDENTIALS_V2
from tests.api.routers.test_vc_api import ISSUER, SUBJECT, VALID, signed, verify, worst
from tests.deployment import running

URL = "https://cards.example/v1"
PUBLISHED = b'{ "@context" :\r\n  {"card": "https://cards.example/#c\\u0061rd", "caf\xc3\xa9": null} }\n'
"""As no program of ours would write it."""


def named(folder: Path, said: object, content: bytes = PUBLISHED) -> Path:
    """The operator's file."""
    (folder / "cards.jsonld").write_bytes(content)
    (folder / "contexts.json").write_text(json.dumps(said))
    return folder / "contexts.json"


def test_a_credential_may_pin_one_by_the_digest_of_its_bytes(tmp_path: Path) -> None:
    pins = [f"sha256-{b64encode(sha256(content).digest()).decode()}" for content in (PUBLISHED, PUBLISHED + b"\n")]
    sound, other = (
        signed(
            {**VALID, **SUBJECT, "@context": [CREDENTIALS_V2, URL], "relatedResource": [{"id": URL, "digestSRI": pin}]},
            suite="eddsa-jcs-2022",
        )
        for pin in pins
    )
    file = named(tmp_path, {URL: "cards.jsonld"})
    with running(tmp_path / "home", credential_contexts=file) as up, up.http() as http:
        assert verify(http, sound, issuers=[ISSUER.did]).json()["verdict"] == "holds"
        assert worst(verify(http, other, issuers=[ISSUER.did])) == {"related resources": "invalid"}


@pytest.mark.parametrize(
    ("said", "content", "told"),
    [
        ({URL: {"@context": {}}}, PUBLISHED, "contexts.json: write one JSON object: by the URL of each"),
        ([URL], PUBLISHED, "contexts.json: write one JSON object: by the URL of each"),
        ({URL: "cards.jsonld"}, b"[]", "cards.jsonld: a JSON-LD context is one JSON object"),
        ({URL: "cards.jsonld"}, b'{"caf\xe9": 1}', "cards.jsonld: a JSON-LD context is one JSON object, in UTF-8"),
        ({URL: "cards.jsonld"}, b'{"a": "%s"}' % (b"a" * MAX_CONTEXTS), "do not go with each credential"),
    ],
    ids=["written out", "a list", "no object", "no UTF-8", "large"],
)
def test_what_is_none_is_refused_by_its_name(tmp_path: Path, said: object, content: bytes, told: str) -> None:
    with pytest.raises(StartError, match=told):
        contexts_of(Settings(home=tmp_path, credential_contexts=named(tmp_path, said, content)))
