"""A custody bundle is its maker's word, bound by their log: not a byte of it changes, and it is worth what they are."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ledger.canonical import canonical
from provenance.custody.bundle import MAX_BUNDLE_BYTES, MEDIA_TYPE
from tests.api.wire import count, counts, kinds_on, problem, proven, signed, upload
from tests.deployment import Running, picture, running
from tests.provenance.forger import CREATED, actions, forge, label_of
from tests.provenance.house import House
from tests.provenance.shapes import chain

SHOW, IMPORT = "/v1/custody/bundles", "/v1/custody/imports"
Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Exported:
    """An asset of two generations, and its bundle."""

    asset: dict[str, Any]
    file: bytes
    bundle: bytes
    owner: str


@pytest.fixture(scope="module")
def exported(deployment: Running) -> Exported:
    key = deployment.operator.issue_key({"tool": "Desk", "source_types": ["digitalCapture"]})
    with deployment.http(str(key["token"])) as http:
        _, first = signed(http, picture(seed=3), {"title": "First"})
        asset, file = signed(http, first, {"title": "Second"})
        answer = http.post(f"{asset['links']['custody']}/bundle")
        assert (answer.status_code, answer.headers["content-type"]) == (201, MEDIA_TYPE), answer.text
        assert kinds_on(http, asset) == ["asset.signed", "asset.exported"]
    return Exported(asset, file, answer.content, str(key["principal"]))


@pytest.fixture
def anyone(deployment: Running) -> Iterator[httpx.Client]:
    with deployment.http() as http:
        yield http


def worth(http: httpx.Client, bundle: bytes, **fields: str) -> dict[str, Any]:
    """What a bundle that holds is said to be worth."""
    answer = shown(http, bundle, **fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def shown(http: httpx.Client, bundle: bytes, **fields: str) -> httpx.Response:
    """What is answered to a bundle."""
    parts: dict[str, Any] = {"file": ("bundle", bundle, MEDIA_TYPE)}
    return http.post(SHOW, files=parts | {name: (None, text) for name, text in fields.items()})


def changed(bundle: bytes, change: Change) -> bytes:
    """The bundle with something else in it, in its one form again."""
    members = json.loads(bundle)
    change(members)
    return canonical(members)


def test_it_holds_where_it_was_made(deployment: Running, exported: Exported, anyone: httpx.Client) -> None:
    before = counts(deployment)
    answer = shown(anyone, exported.bundle)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["verdict"], told["log"], told["report"]["verdict"]) == ("trusted", "trusted", "trusted")
    assert told["vkey"] == deployment.service.ledger.vkey()
    assert told["ledger"] is None
    assert told["custody"]["owner"] == exported.owner
    assert told["custody"]["root"] == exported.asset["manifest"]
    entries = {node["entry"] for node in told["custody"]["nodes"] if node.get("entry")}
    assert set(json.loads(exported.bundle)["receipts"]) == entries | {told["exported"]}
    assert told["origin"] in told["sentence"]
    assert counts(deployment) == before


def test_one_bundle_is_one_sequence_of_bytes(exported: Exported) -> None:
    assert canonical(json.loads(exported.bundle)) == exported.bundle


def receipts(members: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = members["receipts"]
    return found


def _other_receipt(members: dict[str, Any]) -> None:
    """A sound receipt, of another entry."""
    export, (name, *_) = members["export"]["entry"], (one for one in receipts(members) if one)
    other = next(one for one in receipts(members) if one != export)
    receipts(members)[other] = receipts(members)[export]
    assert name


def _signed_by_another(members: dict[str, Any]) -> None:
    export = members["export"]["entry"]
    head, _, note = receipts(members)[export].partition("\n\n")
    receipts(members)[export] = head + "\n\n" + note[:-8] + "AAAAAA=\n"


def _other_checkpoint(members: dict[str, Any]) -> None:
    export = members["export"]["entry"]
    head, _, note = receipts(members)[export].partition("\n\n")
    origin, size, rest = note.split("\n", 2)
    receipts(members)[export] = f"{head}\n\n{origin}\n{int(size) + 1}\n{rest}"


def _other_store(members: dict[str, Any]) -> None:
    store = bytearray(b64decode(members["word"]["manifests"]))
    store[store.index(b"Second")] ^= 1
    members["word"]["manifests"] = b64encode(store).decode()


def _nodes(members: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [node for node in members["word"]["custody"]["nodes"] if node["type"] == type_]


def _other_owner(members: dict[str, Any]) -> None:
    members["word"]["custody"]["owner"] = f"prn_{'a' * 26}"


def _one_act_less(members: dict[str, Any]) -> None:
    members["word"]["custody"]["nodes"].remove(_nodes(members, "verification")[0])


def _an_act_more(members: dict[str, Any]) -> None:
    members["word"]["custody"]["nodes"].append({**_nodes(members, "signing")[0], "id": "signing:again"})


def _better(members: dict[str, Any]) -> None:
    members["word"]["custody"]["sentence"] = "All is well."


def _anchors(members: dict[str, Any]) -> None:
    members["word"]["anchors"] = ""


def _payload(members: dict[str, Any]) -> None:
    payload = json.loads(members["export"]["payload"])
    payload["data"]["actor"] = f"prn_{'a' * 26}"
    members["export"]["payload"] = canonical(payload).decode()


def _no_receipt(members: dict[str, Any]) -> None:
    receipts(members).pop(members["export"]["entry"])


def _other_log(members: dict[str, Any]) -> None:
    members["log"] = "log.example+4e5ba1b4+AUoJmhbTPlYGoQqpJLT8iHQcEmDK2LlYYHvQvN1UPxvM"


FORGERIES: dict[str, tuple[Change, str]] = {
    "a receipt of another entry": (_other_receipt, "receipt"),
    "a receipt that nobody signed": (_signed_by_another, "receipt"),
    "a checkpoint of another size": (_other_checkpoint, "receipt"),
    "no receipt of the export": (_no_receipt, "export"),
    "a payload that was not committed to": (_payload, "export"),
    "a salt that was not": (lambda members: members["export"].update(salt="0" * 64), "export"),
    "another manifest store": (_other_store, "word"),
    "another owner": (_other_owner, "word"),
    "an act left out": (_one_act_less, "word"),
    "an act added": (_an_act_more, "word"),
    "a kinder sentence": (_better, "word"),
    "other anchors": (_anchors, "word"),
    "a key that is none": (lambda members: members.update(log="log"), "log"),
    "another log's key": (_other_log, "log"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_changed_is_refused_and_not_recorded(
    deployment: Running, exported: Exported, anyone: httpx.Client, forgery: str
) -> None:
    change, fault = FORGERIES[forgery]
    bundle = changed(exported.bundle, change)
    assert problem(shown(anyone, bundle), 422, "bundle-invalid")["fault"] == fault
    with deployment.http(deployment.key()) as http:
        entries = count(deployment, "entry")
        problem(upload(http, bundle, path=IMPORT, mime=MEDIA_TYPE), 422, "bundle-invalid")
        assert count(deployment, "entry") == entries


def _zipped(bundle: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", bundle + bytes(10_000_000))
    return out.getvalue()


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda bundle: bundle[:-100],
    "cut to a brace": lambda _: b"{",
    "a ZIP file, however small": _zipped,
    "compressed": lambda bundle: gzip.compress(bundle + bytes(10_000_000)),
    "with a space": lambda bundle: bundle[:1] + b" " + bundle[1:],
    "with a member twice": lambda bundle: bundle[:-1] + b',"word":{}}',
    "with another member": lambda bundle: changed(bundle, lambda members: members.update(more=1)),
    "of another version": lambda bundle: changed(bundle, lambda members: members.update(format="sigillo-custody/2")),
    "without a store": lambda bundle: changed(bundle, lambda members: members["word"].update(manifests="")),
    "with a store that is not base64": lambda bundle: changed(
        bundle, lambda members: members["word"].update(manifests="?")
    ),
    "with a store above 16 MiB": lambda bundle: changed(
        bundle, lambda members: members["word"].update(manifests="A" * 22_400_000)
    ),
    "deep": lambda _: b'{"word":' + b"[" * 200_000,
    "a number without end": lambda _: b'{"word":' + b"9" * 100_000 + b"}",
    "a list": lambda _: b"[]",
    "nothing of it": lambda _: b"{}",
    "a picture": lambda _: picture(),
}


@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_no_bundle_is_said_to_be_none(exported: Exported, anyone: httpx.Client, malformed: str) -> None:
    problem(shown(anyone, MALFORMED[malformed](exported.bundle)), 422, "bundle-malformed")


def test_more_than_a_bundle_may_take_is_not_received(anyone: httpx.Client) -> None:
    problem(shown(anyone, b"{" + b" " * MAX_BUNDLE_BYTES), 413, "upload-too-large")


def test_a_graph_that_is_not_that_of_the_manifests_is_refused(
    deployment: Running, exported: Exported, anyone: httpx.Client
) -> None:
    """A deployment that lies about its own manifests, and records that it does."""
    members = json.loads(exported.bundle)
    lies: dict[str, Change] = {
        "files": lambda custody: custody["nodes"].remove([n for n in custody["nodes"] if n["type"] == "file"][-1]),
        "edges": lambda custody: custody["edges"].remove(next(e for e in custody["edges"] if e["type"] == "parentOf")),
        "root": lambda custody: custody.update(root="urn:c2pa:other"),
        "kind": lambda custody: next(n for n in custody["nodes"] if n.get("entry")).update(kind="asset.released"),
        "no kind": lambda custody: next(n for n in custody["nodes"] if n.get("entry")).update(kind=""),
        "time": lambda custody: custody["hands"][0].update(since="2020-01-01T00:00:00.000Z"),
        "a file twice": lambda custody: custody["nodes"].insert(0, {**custody["nodes"][0], "manifest_sha256": None}),
        "an act in a file's place": lambda custody: custody["nodes"].append(
            {**next(n for n in custody["nodes"] if n["type"] == "signing"), "id": custody["root"]}
        ),
        "an edge from nowhere": lambda custody: custody["edges"].append({**custody["edges"][0], "source": "nowhere"}),
        "an edge to nowhere": lambda custody: custody["edges"].append(
            {**next(e for e in custody["edges"] if e["type"] == "signed"), "target": "nowhere"}
        ),
        "an act that is another": lambda custody: next(e for e in custody["edges"] if e["type"] == "signed").update(
            type="parentOf"
        ),
    }
    for name, lie in lies.items():
        custody = deepcopy(members["word"]["custody"])
        lie(custody)
        bundle = _recorded(deployment, exported, {**members["word"], "custody": custody}, members)
        assert problem(shown(anyone, bundle), 422, "bundle-invalid")["fault"] == "graph", name


def _recorded(deployment: Running, exported: Exported, word: dict[str, Any], members: dict[str, Any]) -> bytes:
    """A bundle that says so, with an export that commits to it."""
    from cases.custody.decisions import EXPORTED, POLICY, AssetExported
    from ledger.ids import EntryId, PrincipalId, SubjectId
    from ledger.payload import committed
    from provenance.custody.bundle import digest_of

    ledger, home = deployment.service.ledger, deployment.service.deployment.operator().tenant
    subject = ledger.subjects.open(home, SubjectId(exported.asset["id"]))
    said = AssetExported(exported.asset["id"], exported.owner, digest_of(word))
    draft = ledger.draft(EXPORTED.name, POLICY, PrincipalId(exported.owner), subject, said)
    ledger.record(lambda _: [draft], home)
    kept = {**members["receipts"], draft.id: proven(deployment, EntryId(draft.id))}
    export = {"entry": draft.id, "payload": committed(draft).decode(), "salt": draft.salt.hex()}
    return canonical({**members, "word": word, "export": export, "receipts": kept})


def test_it_is_recorded_whose_word_was_brought(deployment: Running, exported: Exported) -> None:
    with deployment.http(deployment.key()) as http:
        entries = count(deployment, "entry")
        headers = {"Idempotency-Key": "once"}
        first = upload(http, exported.bundle, path=IMPORT, mime=MEDIA_TYPE, headers=headers)
        assert first.status_code == 201, first.text
        again = upload(http, exported.bundle, path=IMPORT, mime=MEDIA_TYPE, headers=headers).json()
        assert again["ledger"]["entry"] == first.json()["ledger"]["entry"]
        assert count(deployment, "entry") == entries + 1
        problem(
            upload(http, changed(exported.bundle, _recanonical), path=IMPORT, mime=MEDIA_TYPE, headers=headers),
            422,
            "bundle-invalid",
        )
        custody = upload(http, exported.file, path="/v1/custody").json()
        (act,) = (node for node in custody["nodes"] if node.get("kind") == "custody.imported")
        assert (act["type"], act["verdict"], act["entry"]) == ("verification", "trusted", again["ledger"]["entry"])
        assert act["origin"] == again["origin"]
        proven(deployment, act["entry"])
        assert deployment.service.ledger.entry(act["entry"]).kind == "custody.imported"
    with deployment.http(deployment.key()) as other:
        assert "custody.imported" not in upload(other, exported.file, path="/v1/custody").text


def test_what_was_brought_is_told_of_that_manifest_and_of_none_that_takes_its_label(
    deployment: Running, exported: Exported, house: House
) -> None:
    label = exported.asset["manifest"]
    forged, _ = forge(house, {"label": label, "assertions": [actions(CREATED)]})
    assert label_of(forged) == label
    with deployment.http(deployment.key()) as http:
        assert upload(http, exported.bundle, path=IMPORT, mime=MEDIA_TYPE).status_code == 201
        assert "custody.imported" in upload(http, exported.file, path="/v1/custody").text
        told = upload(http, forged, path="/v1/custody").json()
        assert told["root"] == label
        assert "custody.imported" not in [node.get("kind") for node in told["nodes"]]


def _recanonical(members: dict[str, Any]) -> None:
    members["word"]["anchors"] += "\n"


def test_only_the_owner_exports_and_only_what_is_given_out(deployment: Running, exported: Exported) -> None:
    path = f"{exported.asset['links']['custody']}/bundle"
    with deployment.http(deployment.key()) as other:
        problem(other.post(path), 404, "asset-not-found")
        asset, _ = signed(other)
        assert other.delete(asset["links"]["self"]).status_code == 200
        problem(other.post(f"{asset['links']['custody']}/bundle"), 410, "asset-gone")
    with deployment.http(deployment.key(scopes=["assets:sign"])) as signer:
        problem(signer.post(path), 403, "scope-missing")
    with deployment.http(deployment.key(scopes=["assets:read"])) as reader:
        problem(upload(reader, exported.bundle, path=IMPORT, mime=MEDIA_TYPE), 403, "scope-missing")


@pytest.mark.parametrize("most", ["MAX_HANDS", "MAX_NODES", "MAX_EDGES"])
def test_what_nobody_would_read_is_not_exported(
    deployment: Running, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    with deployment.http(deployment.key()) as http:
        asset, _ = signed(http)
        monkeypatch.setattr(f"cases.custody.exports.{most}", 0)
        problem(http.post(f"{asset['links']['custody']}/bundle"), 422, "custody-too-large")
        assert kinds_on(http, asset) == ["asset.signed"]


def test_another_deployment_believes_whom_it_knows(
    deployment: Running, exported: Exported, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two real deployments: what one says of a file, the other verifies, offline, under its own trust."""
    folder = tmp_path_factory.mktemp("elsewhere")
    logs, anchors = folder / "known.logs", folder / "anchors.pem"
    logs.write_text(f"# the other house\n{deployment.service.ledger.vkey()}\n")
    anchors.write_text(deployment.operator.anchors())
    with running(folder / "home", known_logs=logs) as away, away.http(away.key()) as http, away.http() as anyone:
        untrusted = worth(anyone, exported.bundle)
        assert (untrusted["verdict"], untrusted["log"], untrusted["report"]["verdict"]) == (
            "untrusted", "trusted", "untrusted",
        )  # fmt: skip
        assert worth(anyone, exported.bundle, anchors=anchors.read_text())["verdict"] == "trusted"
        answer = upload(http, exported.bundle, path=IMPORT, mime=MEDIA_TYPE)
        assert answer.status_code == 201, answer.text
        brought = answer.json()
        assert (brought["verdict"], brought["ledger"]["state"] in {"durable", "proven"}) == ("untrusted", True)
    with running(folder / "home", trust_anchors=anchors) as away, away.http() as anyone:
        told = worth(anyone, exported.bundle)
        assert (told["verdict"], told["log"], told["report"]["verdict"]) == ("untrusted", "untrusted", "trusted")
        assert "nobody here knows" in told["sentence"]
        assert worth(anyone, exported.bundle, log_keys=deployment.service.ledger.vkey())["verdict"] == "trusted"
        problem(shown(anyone, exported.bundle, log_keys="log"), 400, "upload-malformed")
    with (
        running(folder / "home", known_logs=logs, trust_anchors=anchors) as away,
        away.http(away.key()) as http,
    ):
        answer = upload(http, exported.bundle, path=IMPORT, mime=MEDIA_TYPE)
        assert (answer.status_code, answer.json().get("verdict")) == (201, "trusted"), answer.text
        child, made = signed(http, exported.file, {"title": "Third"})
        custody = http.get(child["links"]["custody"]).json()
        assert [node["verdict"] for node in custody["nodes"] if node["type"] == "file"][:3] == ["trusted"] * 3
        acts = [node for node in custody["nodes"] if node["type"] == "verification"]
        assert [act["kind"] for act in acts] == ["asset.signed", "custody.imported"]
        # ... and on, to whoever knows both.
        onward = http.post(f"{child['links']['custody']}/bundle").content
        problem(shown(http, changed(onward, _other_owner)), 422, "bundle-invalid")
        assert worth(http, onward)["verdict"] == "trusted"
        assert made


def test_a_start_with_unreadable_known_logs_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    from api.parts.known_logs import known_logs
    from api.running.home import StartError

    folder = tmp_path_factory.mktemp("logs")
    with pytest.raises(StartError, match="SIGILLO_KNOWN_LOGS"):
        known_logs(folder / "none")
    (folder / "logs").write_text("log.example+aaaaaaaa+AAAA\n")
    with pytest.raises(StartError, match="SIGILLO_KNOWN_LOGS"):
        known_logs(folder / "logs")
    assert known_logs(None) == ()


def test_a_store_that_nobody_can_read_is_refused(exported: Exported, anyone: httpx.Client, house: House) -> None:
    """Cyclic and endless histories, said by whoever; the commitment is looked at first, the store in any case."""
    for store in (chain(house, 3, cyclic=True), chain(house, 300), b"\0" * 100):
        members = json.loads(exported.bundle)
        members["word"]["manifests"] = b64encode(store).decode()
        problem(shown(anyone, canonical(members)), 422, "bundle-invalid")
