from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.api.cli.conftest import Run
from tests.api.people import somebody
from tests.api.wire import count, counts
from tests.deployment import Running, picture
from tests.detection.films import Film, write

Ask = Callable[..., Any]


def verdict(up: Running, file: Path) -> str:
    return str(up.operator.verify(file)["verdict"])


def test_what_reads_keys_is_loaded_for_a_creator_alone() -> None:
    """Most commands have none."""
    program = (
        "import sys; from api.cli import commands; commands(['sign'])\n"
        "print(sorted({'cryptography', 'provenance.creator'} & sys.modules.keys()))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_signed_file_lies_beside_the_original(deployment: Running, ask: Ask, photo: Path) -> None:
    before = photo.read_bytes()
    asset = ask("sign", photo, "--title", "Harbour")
    written = photo.with_name("photo.signed.jpg")
    assert asset["written"] == str(written)
    assert asset["title"] == "Harbour"
    assert verdict(deployment, written) == "trusted"
    assert photo.read_bytes() == before
    assert {file.name for file in photo.parent.iterdir()} == {"photo.jpg", "photo.signed.jpg"}


def test_people_get_lines(run: Run, photo: Path) -> None:
    done = run("sign", photo, "--wait", 30)
    assert done.exit_code == 0
    assert "photo.signed.jpg" in done.stdout
    assert re.search(r"ledger entry ent_\w+ \(proven\)", done.stdout)


def test_out_names_a_file_or_a_folder(deployment: Running, run: Run, photo: Path, tmp_path: Path) -> None:
    assert run("sign", photo, "-o", tmp_path / "new" / "name.jpg").exit_code == 0
    assert verdict(deployment, tmp_path / "new" / "name.jpg") == "trusted"
    (tmp_path / "there").mkdir()
    assert run("sign", photo, "-o", tmp_path / "there").exit_code == 0
    assert verdict(deployment, tmp_path / "there" / "photo.jpg") == "trusted"


def test_a_trailing_slash_makes_a_folder(run: Run, photo: Path, tmp_path: Path) -> None:
    assert run("sign", photo, "-o", f"{tmp_path / 'made'}/").exit_code == 0
    assert (tmp_path / "made" / "photo.jpg").is_file()


def test_a_token_says_who_signs_at_home_too(deployment: Running, run: Run, photo: Path) -> None:
    assert "Unknown API key" in run("sign", photo, "--token", "sgk_wrong").stderr
    done = run("sign", photo, "--token", deployment.key("Own Camera"), "--json")
    assert done.exit_code == 0
    report = deployment.operator.verify(Path(json.loads(done.stdout)["written"]))
    assert "Own Camera" in {tool["name"] for tool in report["generators"]}


def test_several_files_go_into_one_folder(ask: Ask, photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(picture("PNG"))
    signed = ask("sign", photo, other, "-o", tmp_path / "out")
    assert set(signed) == {str(photo), str(other)}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"photo.jpg", "other.png"}


def test_files_that_would_meet_are_refused_before_anything_is_signed(
    deployment: Running, run: Run, photo: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "elsewhere" / "photo.jpg"
    twin.parent.mkdir()
    twin.write_bytes(photo.read_bytes())
    before = counts(deployment)
    assert run("sign", photo, twin, "-o", tmp_path / "out").exit_code == 2
    assert counts(deployment) == before


def test_one_bad_file_does_not_spoil_the_others(run: Run, photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    done = run("sign", bad, tmp_path / "missing.jpg", photo, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told[str(photo)]["state"] == "signed"
    assert told[str(bad)]["problem"]["type"] == "urn:sigillo:problem:media-unrecognised"
    assert told[str(tmp_path / "missing.jpg")]["problem"]["title"] == "Refused"
    assert "bad.jpg" in done.stderr
    assert "missing.jpg: No such file" in done.stderr
    assert "Errno" not in done.output
    assert not (tmp_path / "bad.signed.jpg").exists()


def test_what_was_made_from_an_asset_names_it(ask: Ask, run: Run, photo: Path, tmp_path: Path) -> None:
    first = ask("sign", photo)
    made, claim = tmp_path / "made.png", tmp_path / "claim.json"
    made.write_bytes(picture("PNG", (40, 40)))
    claim.write_text(json.dumps({"actions": [{"name": "c2pa.cropped"}]}))
    asset = ask("sign", made, "--made-from", first["id"], "--claim", claim)
    assert asset["parent"]["asset"] == first["id"]
    assert "say what the tool did" in run("sign", made, "--made-from", first["id"]).stderr
    assert run("verify", asset["written"]).exit_code == 0


def test_claim_file_and_title(deployment: Running, ask: Ask, photo: Path, tmp_path: Path) -> None:
    claim = tmp_path / "claim.json"
    claim.write_text(
        json.dumps({"title": "File", "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}]})
    )
    asset = ask("sign", photo, "--claim", claim, "--title", "Option", "--public")
    assert (asset["title"], asset["visibility"]) == ("Option", "public")
    report = deployment.operator.verify(Path(asset["written"]))
    assert report["actions"][0]["name"] == "c2pa.created"


@pytest.mark.parametrize("text", ["{", "[]", "\xff", None])
def test_unusable_claim_files_are_a_usage_error(run: Run, photo: Path, tmp_path: Path, text: str | None) -> None:
    claim = tmp_path / "claim.json"
    if text is not None:
        claim.write_bytes(text.encode("latin-1"))
    done = run("sign", photo, "--claim", claim)
    assert done.exit_code == 2
    assert "claim.json" in done.stderr


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_refused_file_leaves_no_target(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.jpg"
    file.write_bytes(content)
    done = run("sign", file)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert [one.name for one in tmp_path.iterdir()] == ["bad.jpg"]


def test_unwritable_target_says_so(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("sign", photo, "-o", tmp_path / "file" / "name.jpg")
    assert done.exit_code == 2
    assert "file" in done.stderr


def test_a_target_is_whole_or_absent(run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sigillo_client import Sigillo, UnreachableError

    target = tmp_path / "old.jpg"
    target.write_bytes(b"what was there")

    def breaks(self: Sigillo, asset: str, to: Any) -> None:
        to.write(b"half")
        raise UnreachableError("the line broke")

    monkeypatch.setattr(Sigillo, "content", breaks)
    assert run("sign", photo, "-o", target).exit_code == 7
    assert target.read_bytes() == b"what was there"
    assert {file.name for file in tmp_path.iterdir()} == {"photo.jpg", "old.jpg"}


def test_edited_signed_file_names_its_parent(run: Run, ask: Ask, photo: Path) -> None:
    first = ask("sign", photo)
    done = run("sign", first["written"])
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 3, "the finding about the parent is told"


def test_hostile_file_names_are_told_harmlessly(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "[bold]x\x1b[31m\u202e.jpg"
    file.write_bytes(picture())
    done = run("sign", file)
    assert done.exit_code == 0
    assert "\x1b[31m" not in done.output
    assert "\u202e" not in done.output
    assert "[bold]x" in done.output


def test_a_target_is_replaced_and_not_written_into(run: Run, photo: Path, tmp_path: Path) -> None:
    target, other_name = tmp_path / "old.jpg", tmp_path / "other-name.jpg"
    target.write_bytes(b"what was there")
    other_name.hardlink_to(target)
    assert run("sign", photo, "-o", target).exit_code == 0
    assert other_name.read_bytes() == b"what was there"


def test_an_original_is_never_overwritten(run: Run, photo: Path, deployment: Running) -> None:
    before, entries = photo.read_bytes(), count(deployment, "entry")
    for target in (photo, photo.parent):
        done = run("sign", photo, "-o", target)
        assert done.exit_code == 2
        assert "overwritten" in done.stderr
    assert photo.read_bytes() == before
    assert count(deployment, "entry") == entries


def test_targets_are_looked_at_before_anything_is_signed(run: Run, photo: Path, deployment: Running) -> None:
    entries = count(deployment, "entry")
    (photo.parent / "list.txt").write_text("a file")
    other = photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    done = run("sign", photo, other, "-o", photo.parent / "list.txt")
    assert done.exit_code == 2
    assert "list.txt" in done.stderr
    assert count(deployment, "entry") == entries


@pytest.fixture
def film(tmp_path: Path) -> Path:
    file = tmp_path / "film.webm"
    file.write_bytes(write(Film("webm", "libvpx", "libopus", pictures=3)))
    return file


def test_a_manifest_that_no_file_can_carry_lies_beside_it(ask: Ask, run: Run, film: Path) -> None:
    before = film.read_bytes()
    asset = ask("sign", film)
    manifest = film.with_name("film.c2pa")
    assert (asset["written"], asset["manifest_written"]) == (str(film), str(manifest))
    assert {file.name for file in film.parent.iterdir()} == {"film.webm", "film.c2pa"}
    assert film.read_bytes() == before
    assert ask("verify", film)["verdict"] == "trusted"
    manifest.rename(film.with_name("other.c2pa"))
    assert run("verify", film).exit_code == 3
    assert ask("verify", film, "--manifest", film.with_name("other.c2pa"))["verdict"] == "trusted"
    film.write_bytes(before + b"\0")
    assert run("verify", film, "--manifest", film.with_name("other.c2pa")).exit_code == 5


def test_with_a_folder_named_both_go_there(ask: Ask, film: Path, tmp_path: Path) -> None:
    ask("sign", film, "-o", f"{tmp_path / 'out'}/")
    assert (tmp_path / "out" / "film.webm").read_bytes() == film.read_bytes()
    assert ask("verify", tmp_path / "out" / "film.webm")["verdict"] == "trusted"
    assert not film.with_name("film.c2pa").exists()


def test_a_manifest_is_never_overwritten(deployment: Running, run: Run, film: Path) -> None:
    film.with_name("film.c2pa").write_bytes(b"an earlier one")
    before = counts(deployment)
    done = run("sign", film)
    assert (done.exit_code, "is there already" in " ".join(done.stderr.split())) == (2, True)
    film.with_name("film.c2pa").unlink()
    twin = film.with_name("film.ogg")
    twin.write_bytes(film.read_bytes())
    assert run("sign", film, twin).exit_code == 2, "both would have their manifest there"
    assert counts(deployment) == before


def test_a_creator_signs_beside_the_platform(deployment: Running, run: Run, photo: Path, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = tmp_path / "me.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert run("sign", photo, "--creator-key", pem).exit_code == 2  # who are you?
    done = run("sign", photo, "--creator-key", pem, "--creator-name", "Ada Löwe", "--title", "Harbour")
    assert done.exit_code == 0, done.output
    written = photo.with_name("photo.signed.jpg")
    creator = deployment.operator.verify(written)["creator_signature"]
    assert creator is not None
    assert (creator["name"], creator["verdict"]) == ("Ada Löwe", "untrusted")
    assert "Ada Löwe signed it (untrusted: it holds, and nobody vouches for the key)" in run("verify", written).stdout
    pem.write_text("no key")
    assert run("sign", photo, "--creator-key", pem, "--creator-name", "Ada").exit_code == 2


def test_a_creator_signs_with_a_passkey_of_theirs(deployment: Running, run: Run, photo: Path, tmp_path: Path) -> None:
    brought, said = tmp_path / "said.json", {"sha256": hashlib.sha256(photo.read_bytes()).hexdigest(), "title": "Sea"}
    with somebody(deployment) as person:
        begun = person.http.post("/v1/people/me/creator-statements", json=said).json()
        answer = person.device.get(begun["publicKey"])
    brought.write_text(json.dumps({"statement": begun["statement"], "passkey": answer}))
    other = photo.with_name("other.jpg")
    other.write_bytes(picture(seed=3))
    for files in ([photo, other], [photo, "--creator-key", brought, "--creator-name", "Ada"]):
        assert run("sign", *files, "--creator-signature", brought).exit_code == 2
    assert run("sign", other, "--creator-signature", brought, "--title", "Sea").exit_code == 1, "of another file"
    done = run("sign", photo, "--creator-signature", brought, "--title", "Sea")
    assert done.exit_code == 0, done.output
    shown = " ".join(run("verify", photo.with_name("photo.signed.jpg")).stdout.split())
    assert "knows (none) signed it with a passkey (untrusted: it holds, and" in shown
    brought.write_text("no JSON")
    assert run("sign", photo, "--creator-signature", brought).exit_code == 2


def test_a_key_that_is_none_is_not_printed(run: Run, tmp_path: Path) -> None:
    for arguments in (["--server", "http://127.0.0.1:9"], []):
        done = run("batch", "bat_x", "--json", *arguments, SIGILLO_TOKEN="sgk_secret\r")
        assert done.exit_code == 1
        assert "copy it once more" in done.output
        assert "sgk_secret" not in done.output
