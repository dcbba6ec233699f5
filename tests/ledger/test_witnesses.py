"""Our log and its witnesses, over real HTTP: what they sign is shown, what they lack delays nothing that it should not,
and what they object to stops the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.responses import PlainTextResponse, RedirectResponse, Response

import ledger.witnessing.witnesses
from ledger.auditing.faults import FaultKind
from ledger.errors import (
    CheckpointError,
    NotProvenError,
    RecoveryRefusedError,
    WitnessObjectsError,
    WitnessUnreachableError,
)
from ledger.ids import EntryId, TenantId
from ledger.publishing.export import export_log
from ledger.publishing.publication import Publication
from ledger.receipt import verify_receipt
from ledger.stamping.stamper import Obtained, Stamping
from ledger.storage.tables import Checkpoint, Cosignature, Tenant
from ledger.storage.tenancy import SystemSession
from ledger.tree.checkpoint import VerifierKey, verify_checkpoint
from ledger.tree.integrator import Integrator
from ledger.tree.log_key import LogKey
from ledger.tree.merkle import consistency_proof
from ledger.tree.tile_store import tile_reader
from ledger.tree.tiles import Tiles
from ledger.witnessing.add_checkpoint import AddCheckpoint
from ledger.witnessing.cosignature import Quorum
from ledger.witnessing.policy import WitnessPolicy
from ledger.witnessing.witness_client import WitnessAddress, WitnessClient
from tests.databases import KIND, SQLITE, copy
from tests.dripping import DRIPS, dripping
from tests.ledger.world import ACTOR, LONG, HeldClock, World, running, tampering
from tests.simulators.key_store import SimulatedKeyStore
from tests.simulators.witness import SimulatedWitness
from tests.simulators.witness_server import WitnessServer, conflict

OFTEN = 0.01
put_back = pytest.mark.skipif(KIND != SQLITE, reason="a file is put back")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[WitnessServer, WitnessServer]]:
    servers = tuple(WitnessServer(tmp_path / name, f"witness.example/{name}", HeldClock()) for name in ("one", "two"))
    for server in servers:
        server.begin()
    yield servers[0], servers[1]
    for server in servers:
        server.end()


Two = tuple[WitnessServer, WitnessServer]


@contextmanager
def witnessed(
    path: Path,
    servers: Two,
    needed: int = 0,
    *,
    waits: bool = False,
    keys: SimulatedKeyStore | None = None,
    interval: float = OFTEN,
) -> Iterator[World]:
    policy = WitnessPolicy(tuple(server.address for server in servers), needed, waits, interval)
    with running(path, keys=keys, witnesses=policy) as world:
        for server in servers:
            server.knows(VerifierKey.parse(world.ledger.vkey()))
        yield world


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.005)


def proven(world: World, entry: EntryId) -> None:
    assert world.ledger.wait_proven(entry, LONG)


def shown(world: World) -> int:
    return verify_checkpoint(world.ledger.checkpoint(), VerifierKey.parse(world.ledger.vkey())).size


def kept(world: World) -> list[tuple[int, str]]:
    with world.database.read(SystemSession.VERIFICATION) as connection:
        return [(row.size, row.witness) for row in connection.execute(select(Cosignature.size, Cosignature.witness))]


def signed(world: World) -> list[int]:
    with world.database.read(SystemSession.VERIFICATION) as connection:
        return list(connection.execute(select(Checkpoint.size).order_by(Checkpoint.size)).scalars())


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_one_that_drips_has_no_more_time_than_another(drip: tuple[bytes, bytes]) -> None:
    with dripping(*drip) as url, pytest.raises(WitnessUnreachableError, match=r"within 0\.2 s"):
        WitnessClient(url, 0.2).shown("log.example/test")


def test_what_is_shown_bears_the_quorum_where_the_log_waits_for_it(tmp_path: Path, two: Two) -> None:
    quorum = Quorum(tuple(server.signer.key for server in two), 2)
    with witnessed(tmp_path / "log.db", two, 2, waits=True) as world:
        key = VerifierKey.parse(world.ledger.vkey())
        tenant = world.ledger.create_tenant("first")
        for text in "abc":
            entry = world.write_note(tenant, text).entries[0]
            proven(world, entry)
            assert len(quorum.require(world.ledger.checkpoint(), key).by) == 2
            assert verify_receipt(world.ledger.receipt(entry), str(key), quorum).entry.id == entry
        head = export_log(world.database, tmp_path / "out", publication=Publication.under(world.witnesses))
        assert quorum.require((tmp_path / "out" / "checkpoint").read_text(), key)
        assert head.size == world.ledger.status().proven == shown(world)
        report = world.ledger.verify(quorum=quorum)
        assert report.sound
        assert report.witnessed == head.size
        assert world.ledger.witnesses.faults == ""
        with tampering(world.database) as connection:
            other = select(Cosignature.line).where(Cosignature.size == head.size).order_by(Cosignature.witness)
            line = connection.execute(other).scalars().first()
            connection.execute(update(Cosignature).where(Cosignature.size < head.size).values(line=line))
        fault = world.ledger.verify(quorum=quorum).fault
        assert fault is not None
        assert fault.kind is FaultKind.COSIGNATURE
        assert world.ledger.verify().cosigned.unknown == tuple(key.name for key in quorum.witnesses)


def nobody(_note: bytes) -> Obtained:
    raise AssertionError("asked for a stamp")


def test_nothing_is_proven_without_the_quorum_and_then_it_is(tmp_path: Path, two: Two) -> None:
    two[1].end()
    with witnessed(tmp_path / "log.db", two, 2, waits=True) as world:
        tenant = world.ledger.create_tenant("first")
        entry = world.write_note(tenant, "waits").entries[0]
        until(lambda: kept(world))
        with pytest.raises(NotProvenError):
            world.ledger.receipt(entry)
        with pytest.raises(NotProvenError):
            world.ledger.checkpoint()
        assert not world.ledger.is_proven(entry)
        stamping = Stamping(world.database, nobody, world.clock, publication=Publication.under(world.witnesses))
        assert not stamping.step(), "what is not shown is not stamped"
        assert world.write_note(tenant, "durable all the same")
        until(lambda: "fewer than 2 witnesses cosign: witness.example/two: no answer" in world.ledger.witnesses.reason)
        two[1].begin()
        proven(world, entry)
        until(lambda: world.ledger.witnesses.reason == "")


def test_a_log_that_does_not_wait_is_not_delayed(tmp_path: Path, two: Two) -> None:
    """One is gone, and the other answers nonsense: receipts are had at once, with what there is."""
    two[0].end()
    two[1].answer = lambda: PlainTextResponse("no", 500)
    with witnessed(tmp_path / "log.db", two, 2) as world:
        tenant = world.ledger.create_tenant("first")
        entry = world.write_note(tenant, "at once").entries[0]
        proven(world, entry)
        assert verify_receipt(world.ledger.receipt(entry), world.ledger.vkey()).cosigned.unknown == ()
        until(lambda: all(one.error for one in world.ledger.witnesses.standings()))
        assert world.ledger.witnesses.reason == ""
        assert world.ledger.status().ready
        two[1].answer = None
        two[0].begin()
        until(lambda: len(kept(world)) == 2)
        assert shown(world) == signed(world)[-1]
        # The receipt is made under the newest checkpoint that has the quorum, though a newer one may be there.
        quorum = Quorum(tuple(server.signer.key for server in two), 2)
        two[0].end()
        proven(world, world.write_note(tenant, "later").entries[0])
        assert len(verify_receipt(world.ledger.receipt(entry), world.ledger.vkey(), quorum).cosigned.by) == 2
        two[0].begin()


def test_a_busy_log_does_not_hammer_its_witnesses(tmp_path: Path, two: Two) -> None:
    with witnessed(tmp_path / "log.db", two, 1, interval=LONG * 10) as world:
        tenant = world.ledger.create_tenant("first")
        for text in "abcde":
            proven(world, world.write_note(tenant, text).entries[0])
        until(lambda: len(kept(world)) == 2)
        assert len(signed(world)) > 3
        assert [server.asked for server in two] == [1, 1]
        assert len({size for size, _ in kept(world)}) == 1


def test_both_are_offered_the_same_checkpoints(tmp_path: Path, two: Two) -> None:
    """Or a quorum of two would come about by chance."""
    with witnessed(tmp_path / "log.db", two, 2, waits=True) as world:
        tenant = world.ledger.create_tenant("first")
        for number in range(20):
            world.write_note(tenant, str(number))
            time.sleep(0.003)
        until(lambda: world.ledger.status().proven == world.ledger.status().committed)


OTHER = SimulatedWitness("witness.example/other")


HOSTILE: list[tuple[Callable[[WitnessServer], Response], str]] = [
    (lambda _: PlainTextResponse(""), "does not hold"),
    (lambda _: PlainTextResponse("nonsense\n"), "a malformed signature line"),
    (lambda _: PlainTextResponse(OTHER.line("x\n\n")), "no cosignature by the key that we know"),
    (lambda server: PlainTextResponse(forged(server)), "does not verify"),
    (lambda _: PlainTextResponse("x" * 100_000), "longer than"),
    (lambda _: RedirectResponse("http://127.0.0.1:1/"), "status 307"),
    (lambda _: Response(status_code=500), "status 500"),
    (lambda _: Response(status_code=404), "answers 404"),
    (lambda _: Response(status_code=403), "answers 403"),
    (lambda _: Response(status_code=422), "answers 422"),
    (lambda _: conflict("seven")(), "without the size"),
    (lambda _: conflict(1)(), "saw another size last"),
    (lambda _: conflict(1, "text/plain")(), "without the size"),
]


def test_what_a_witness_should_not_answer_is_said_and_not_kept(
    tmp_path: Path, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger.witnessing.witnesses, "LONGEST_PAUSE", OFTEN)
    two[0].answer = lambda: Response(status_code=503)
    with witnessed(tmp_path / "log.db", two, 1) as world:
        tenant = world.ledger.create_tenant("first")
        for answer, reason in HOSTILE:
            two[0].answer = partial(answer, two[0])
            until(partial(said, world, reason))
        proven(world, world.write_note(tenant, "goes on").entries[0])
        until(lambda: kept(world))
        assert {key for _, key in kept(world)} == {str(two[1].signer.key)}
        assert world.ledger.status().ready


def said(world: World, reason: str) -> bool:
    return reason in world.ledger.witnesses.faults


def forged(server: WitnessServer) -> str:
    """Its name and key id, over a checkpoint that nobody asked about."""
    twin = SimulatedWitness(server.name)
    return twin.line("log.example/test\n1\nroot\n\n", key_id=server.signer.key.id)


def test_a_clock_that_is_far_ahead_is_refused(tmp_path: Path, two: Two) -> None:
    with witnessed(tmp_path / "log.db", two) as world:
        clock = two[0].clock
        assert isinstance(clock, HeldClock)
        clock.now = clock.now.replace(year=2099)
        world.ledger.create_tenant("first")
        until(lambda: "clock is more than an hour ahead" in world.ledger.witnesses.faults)


def test_what_two_witnesses_prove_at_once_does_not_shrink_by_who_tells_it_last(tmp_path: Path, two: Two) -> None:
    with witnessed(tmp_path / "log.db", two, 2, waits=True) as world:
        world.ledger.create_tenant("first")
        until(lambda: world.ledger.status().proven == 1)
        world.ledger._integrator.proved(0)  # read before the other witness's cosignature was kept
        assert world.ledger.status().proven == 1


def test_a_cosignature_that_was_lost_on_its_way_is_asked_for_again(tmp_path: Path, two: Two) -> None:
    """Killed between the witness's signature and our keeping it."""
    keys = SimulatedKeyStore()
    with witnessed(tmp_path / "log.db", two, 2, waits=True, keys=keys) as world:
        tenant = world.ledger.create_tenant("first")
        until(lambda: world.ledger.status().proven == 1)
    two[0].answer = two[1].answer = lambda: PlainTextResponse("", 500)
    with witnessed(tmp_path / "log.db", two, 0, keys=keys) as world:
        proven(world, world.write_note(tenant, "signed").entries[0])
        with world.database.read(SystemSession.VERIFICATION) as connection:
            proof = tuple(consistency_proof(1, 2, Tiles(tile_reader(connection)).subtree))
        lost = AddCheckpoint(1, proof, world.ledger.checkpoint())
    for server in two:
        server.witness.add_checkpoint(lost.body.encode())
        server.answer = None
    with witnessed(tmp_path / "log.db", two, 2, waits=True, keys=keys) as world:
        until(lambda: world.ledger.status().proven == 2)


def test_a_witness_that_forgot_is_asked_from_where_it_is(tmp_path: Path, two: Two) -> None:
    with witnessed(tmp_path / "log.db", two) as world:
        tenant = world.ledger.create_tenant("first")
        until(lambda: len(kept(world)) == 2)
        for state in two[0].folder.glob("*.checkpoint"):
            state.unlink()
        proven(world, world.write_note(tenant, "after").entries[0])
        until(lambda: (2, str(two[0].signer.key)) in kept(world))
        assert world.ledger.verify(quorum=Quorum((two[0].signer.key,), 1)).sound


@pytest.fixture
def restored(tmp_path: Path, two: Two) -> Iterator[World]:
    """The whole folder was put back, the mark with it: nobody but the witnesses saw what came after."""
    keys = SimulatedKeyStore()
    with witnessed(tmp_path / "log.db", two, 1, keys=keys) as world:
        tenant = world.ledger.create_tenant("first")
        until(lambda: len(kept(world)) == 2)
    copy(tmp_path / "log.db", tmp_path / "copy.db")
    mark = keys.mark
    with witnessed(tmp_path / "log.db", two, 1, keys=keys) as world:
        proven(world, world.write_note(tenant, "seen and lost").entries[0])
        until(lambda: all(one.size == 2 for one in world.ledger.witnesses.standings()))
    keys.mark = mark
    with witnessed(tmp_path / "copy.db", two, 1, keys=keys) as world:
        yield world


def _tenant(world: World) -> TenantId:
    with world.database.read(SystemSession.FSCK) as connection:
        return connection.execute(select(Tenant.tenant_id).limit(1)).scalar_one()


@put_back
def test_a_database_behind_what_a_witness_saw_signs_nothing(restored: World) -> None:
    tenant = _tenant(restored)
    restored.write_note(tenant, "instead")
    until(lambda: "has seen 2 entries of this log, and only 1 are signed here" in restored.ledger.status().reason)
    assert "it shows our signature over 2 entries, root " in restored.ledger.status().reason
    assert not restored.ledger.status().ready
    with pytest.raises(WitnessObjectsError, match="sigillo ledger recover"):
        Integrator(
            restored.database, LogKey(restored.database, restored.keys), witnesses=restored.ledger.witnesses
        ).step()
    assert signed(restored) == [1]
    assert restored.keys.mark is not None
    assert restored.keys.mark.size == 1


@put_back
def test_going_on_without_what_they_saw_is_explicit_and_an_entry(restored: World, tmp_path: Path, two: Two) -> None:
    tenant = _tenant(restored)
    until(lambda: len(restored.ledger.witnesses.objections()) == 2)
    for server in two:
        server.answer = lambda: Response(status_code=503)
    asked = [server.asked for server in two]
    until(lambda: all(server.asked > before for server, before in zip(two, asked, strict=True)))
    assert len(restored.ledger.witnesses.objections()) == 2, "an objection is not taken back by saying nothing"
    for server in two:
        server.answer = None
    found = restored.ledger.recovery()
    assert "witness.example/one has seen 2 entries" in found.reason
    assert (found.payload.signed_size, found.payload.signed_root) == (2, "")
    with pytest.raises(RecoveryRefusedError, match="confirm with its word"):
        restored.ledger.recover("another", ACTOR, tenant)
    entry = restored.ledger.recover(found.word, ACTOR, tenant).entries[0]
    proven(restored, entry)
    assert verify_receipt(restored.ledger.receipt(entry), restored.ledger.vkey()).entry.kind == "log.recovered"
    for text in "abc":
        proven(restored, restored.write_note(tenant, text).entries[0])
    assert restored.ledger.status().ready
    # They do not cosign the new history; that is said, and a restart does not ask again.
    until(lambda: restored.ledger.witnesses.faults.count("saw another history") == 2)
    restored.close()
    with witnessed(tmp_path / "copy.db", two, 1, keys=restored.keys) as again:
        proven(again, again.write_note(tenant, "again").entries[0])
        assert again.ledger.status().ready
        assert {size for size, _ in kept(again)} == {1}


def test_a_witness_that_only_says_so_stops_the_log_and_it_is_said_that_it_proves_nothing(
    tmp_path: Path, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost by waiting; the operator drops it, or overrules it."""
    monkeypatch.setattr(ledger.witnessing.witnesses, "LONGEST_PAUSE", OFTEN)
    two[0].answer = conflict(10**9)
    with witnessed(tmp_path / "log.db", two, 1) as world:
        tenant = world.ledger.create_tenant("first")
        until(world.ledger.witnesses.objections)
        assert "its word alone: it shows no checkpoint under our key" in world.ledger.status().reason
        entry = world.write_note(tenant, "waits").entries[0]
        world.ledger.recover(world.ledger.recovery().word, ACTOR, tenant)
        proven(world, entry)
        two[0].answer = conflict(10**9 + 1)
        until(world.ledger.witnesses.objections)
        two[0].answer = None
        until(lambda: not world.ledger.witnesses.objections())
        until(lambda: world.ledger.witnesses.faults == "")


def test_two_histories_under_one_key_do_not_both_find_a_witness(tmp_path: Path, two: Two) -> None:
    """A split view: the second log has the same name and key, and other entries."""
    keys = SimulatedKeyStore()
    with witnessed(tmp_path / "one.db", two, 2, waits=True, keys=keys) as first:
        tenant = first.ledger.create_tenant("first")
        proven(first, first.write_note(tenant, "for you").entries[0])
    keys.mark = None  # whoever forks a log does not keep to its mark
    with witnessed(tmp_path / "two.db", two, 2, waits=True, keys=keys) as second:
        tenant = second.ledger.create_tenant("first")
        entries = [second.write_note(tenant, text).entries[0] for text in "abc"]
        until(lambda: len(second.ledger.witnesses.objections()) == 2)
        assert "saw another history" in second.ledger.status().reason or "has seen" in second.ledger.status().reason
        assert not second.ledger.is_proven(entries[-1])
        assert kept(second) == []


def test_where_the_log_waits_nothing_is_signed_before_they_said_what_they_saw(
    tmp_path: Path, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = SimulatedKeyStore()
    with witnessed(tmp_path / "log.db", two, 2, waits=True, keys=keys) as world:
        tenant = world.ledger.create_tenant("first")
        until(lambda: world.ledger.status().proven == 1)
    two[1].end()
    with witnessed(tmp_path / "log.db", two, 2, waits=True, keys=keys) as world:
        world.write_note(tenant, "waits")
        until(lambda: "nothing is signed before 2 witnesses say what they saw" in world.ledger.status().reason)
        assert signed(world) == [1]
        two[1].begin()
        until(lambda: world.ledger.status().proven == 2)
    monkeypatch.setattr(ledger.witnessing.witnesses, "SETTLE_SECONDS", OFTEN)
    two[1].end()
    with witnessed(tmp_path / "log.db", two, 2, keys=keys) as world:
        proven(world, world.write_note(tenant, "does not wait").entries[0])
    two[1].begin()


@pytest.mark.parametrize("text", ["", "vkey", "http://witness.example", "{} ftp://x", "{} http://", "{} http://a:b@x"])
def test_an_address_is_a_key_and_a_url(text: str) -> None:
    with pytest.raises(CheckpointError):
        WitnessAddress.parse(text.format(OTHER.vkey))
    assert WitnessAddress.parse(f"{OTHER.vkey} https://w.example/x/").url == "https://w.example/x"
