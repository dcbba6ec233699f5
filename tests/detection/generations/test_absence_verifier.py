"""The proof as its holder has it: nothing of it can be changed, and nobody who is there is proved absent by it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.generations import absence_verifier
from detection.generations.absence import unreceipted
from detection.generations.absence_verifier import UnsoundError, check
from detection.generations.decisions import POLICY, IndexCommitted
from detection.generations.prefix_tree import PrefixTree
from ledger.auditing.bundle import VERIFIER
from ledger.ids import SubjectId, TenantId
from tests.detection.generations.index_world import ORIGIN, PROMISED, IndexWorld, running
from tests.ledger.world import LONG
from tests.simulators.witness import SimulatedWitness


@dataclass(frozen=True)
class Evidence:
    vkey: str
    proof: dict[str, Any]
    members: list[SubjectId]
    """Those in the index."""

    before: dict[str, Any]
    """The proof of another, by the generation before: with a neighbour's leaf in its place."""

    tenant: TenantId


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexWorld]:
    with running(tmp_path_factory.mktemp("absence") / "log.db") as found:
        yield found


@pytest.fixture(scope="module")
def evidence(world: IndexWorld) -> Evidence:
    tenant = world.index()
    *members, first, second = world.join(tenant, 9)
    proofs = []
    for one in (first, second):
        world.leave(tenant, one)
        world.generations.commit(tenant)
        proofs.append(json.loads(world.proof(one)))
    return Evidence(world.ledger.vkey(), proofs[1], members, proofs[0], tenant)


def file_of(proof: dict[str, Any]) -> bytes:
    return json.dumps(proof).encode()


def test_its_digest_is_published() -> None:
    page = Path(__file__).parents[3] / "docs" / "verifying.md"
    assert sha256(Path(absence_verifier.__file__).read_bytes()).hexdigest() in page.read_text()


def refused(forged: dict[str, Any], evidence: Evidence) -> None:
    """It proves nothing; or, with another id in it, that somebody is absent who is. Two may have the same gap."""
    try:
        found = check(file_of(forged), evidence.vkey)
    except UnsoundError:
        return
    assert found.registration not in (evidence.proof["registration"], *evidence.members)


def test_it_says_what_it_proves(evidence: Evidence) -> None:
    found = check(file_of(evidence.proof), evidence.vkey)
    assert (found.index, found.generation, found.size, found.origin) == (evidence.tenant, 2, 7, ORIGIN)
    assert "not prove that every copy" in evidence.proof["says"]
    said = "\n".join(absence_verifier.described(found))
    assert "whether every copy is deleted" in said
    assert found.committed_at in said


@given(st.data())
@settings(max_examples=40)
def test_every_part_counts(evidence: Evidence, data: st.DataObject) -> None:
    """Left out, emptied, of another type, of the proof before; and each character changed to any other."""
    proof, other = evidence.proof, evidence.before
    name = data.draw(st.sampled_from(sorted(proof)))
    value = proof[name]
    if isinstance(value, str):
        at = data.draw(st.integers(0, len(value) - 1))
        letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != value[at]))
        changed: Any = data.draw(st.sampled_from([value[:at] + letter + value[at + 1 :], value[:at], value + letter]))
    elif isinstance(value, list) and value:
        at = data.draw(st.integers(0, len(value) - 1))
        changed = data.draw(st.sampled_from([value[:at], value[at + 1 :], [*value, value[at]], value[::-1]]))
    else:
        changed = data.draw(st.sampled_from(["", [], {}, 0, "0" * 64]))
    forged = [{**proof, name: changed}, {**proof, name: other[name]}, {**proof, "more": 1}]
    forged.append({key: one for key, one in proof.items() if key != name})
    for one in forged:
        if one != proof:
            refused(one, evidence)


def test_no_proof_serves_one_who_is_there(evidence: Evidence) -> None:
    for proof in (evidence.proof, evidence.before):
        for member in evidence.members:
            with pytest.raises(UnsoundError):
                check(file_of({**proof, "registration": member}), evidence.vkey)


def test_it_proves_nothing_under_another_key(evidence: Evidence, tmp_path: Path) -> None:
    with running(tmp_path / "other.db") as other:
        key = other.ledger.vkey()
    with pytest.raises(UnsoundError, match=r"is not signed by|does not verify"):
        check(file_of(evidence.proof), key)


def test_an_entry_of_another_kind_is_no_generation(world: IndexWorld, evidence: Evidence) -> None:
    """Whatever else the service puts on record, it cannot show it as what its index holds."""
    tree, salt = PrefixTree([]), "0" * 64
    system, actor = world.ledger.subjects.system(evidence.tenant), world.ledger.system_principal(evidence.tenant)
    said = IndexCommitted(evidence.tenant, 9, 0, tree.root.hex(), salt)
    draft = world.ledger.draft(PROMISED.name, POLICY, actor, system, said)
    world.ledger.record(lambda _: [draft], evidence.tenant)
    assert world.ledger.wait_proven(draft.id, LONG)
    forged = json.loads(unreceipted(tree, evidence.members[0], draft)) | {"receipt": world.ledger.receipt(draft.id)}
    with pytest.raises(UnsoundError, match="not of a generation"):
        check(file_of(forged), evidence.vkey)


def test_what_is_no_proof(evidence: Evidence) -> None:
    for data in (b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b" " * 300_000, b'{"format": "sigillo-absence@1"}'):
        with pytest.raises(UnsoundError):
            check(data, evidence.vkey)
    twice = file_of(evidence.proof).replace(b'{"format"', b'{"format": "sigillo-absence@1", "format"')
    with pytest.raises(UnsoundError):
        check(twice, evidence.vkey)


def test_witnesses_that_are_asked_for_must_have_signed(evidence: Evidence) -> None:
    witness = SimulatedWitness("witness.example/one")
    with pytest.raises(UnsoundError, match="cosignatures by 1"):
        check(file_of(evidence.proof), evidence.vkey, [witness.vkey])
    assert check(file_of(evidence.proof), evidence.vkey, [witness.vkey], 0).witnesses == ()
    with pytest.raises(UnsoundError, match="no quorum"):
        check(file_of(evidence.proof), evidence.vkey, [witness.vkey], 2)


@pytest.mark.parametrize("changed", [False, True])
def test_alone_it_needs_one_file_beside_it(evidence: Evidence, tmp_path: Path, *, changed: bool) -> None:
    """As somebody runs it who has Python and nothing of ours installed."""
    (tmp_path / "absence_verifier.py").write_bytes(Path(absence_verifier.__file__).read_bytes())
    (tmp_path / "verify.py").write_bytes(VERIFIER.read_bytes())
    (tmp_path / "log.vkey").write_text(evidence.vkey + "\n")
    proof = {**evidence.proof, "registration": evidence.members[0]} if changed else evidence.proof
    (tmp_path / "absence.json").write_bytes(file_of(proof))
    command = [sys.executable, "-I", "-S", "-c", RUN, "absence.json", "--key", "log.vkey"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (5 if changed else 0, "")
    assert ("NOT PROVED" if changed else "ABSENT") in ran.stdout.splitlines()[-1 if not changed else 0]


RUN = "import runpy, sys; sys.path.insert(0, '.'); runpy.run_path('absence_verifier.py', run_name='__main__')"
