from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.cli.conftest import Run
from tests.api.cli.process import sigillo
from tests.api.wire import proven, upload
from tests.deployment import Running, running
from tests.recovering import clouds
from tests.simulators.time_stamp_authority import TimeStampAuthority, serving

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("foreign")) as up:
        yield up


@pytest.fixture
def files(deployment: Running, foreign: Running, photo: Path, tmp_path: Path) -> dict[str, Path]:
    """One file of each verdict."""
    made = {name: tmp_path / f"{name}.jpg" for name in ("trusted", "untrusted", "invalid", "ancestor")}
    for up, name in ((deployment, "trusted"), (foreign, "untrusted")):
        with made[name].open("wb") as file:
            up.operator.content(up.operator.sign(photo)["id"], file)
    tampered = bytearray(made["trusted"].read_bytes())
    tampered[-200] ^= 0xFF
    made["invalid"].write_bytes(tampered)
    with made["ancestor"].open("wb") as file:
        deployment.operator.content(deployment.operator.sign(made["invalid"])["id"], file)
    return {**made, "absent": photo}


@pytest.mark.parametrize(
    ("name", "code"), [("trusted", 0), ("absent", 3), ("invalid", 5), ("untrusted", 6), ("ancestor", 5)]
)
def test_exit_code_says_the_verdict(run: Run, files: dict[str, Path], name: str, code: int) -> None:
    done = run("verify", files[name])
    assert done.exit_code == code, done.output
    assert ("trusted" if name == "ancestor" else name) in done.stdout
    report = run("verify", files[name], "--json")
    assert report.exit_code == code
    assert json.loads(report.stdout)["verdict"] == ("trusted" if name == "ancestor" else name)


def test_a_copy_says_what_it_looks_like_how_much_and_where_that_is_recorded(
    run: Run, deployment: Running, tmp_path: Path
) -> None:
    file = tmp_path / "clouds.jpg"
    file.write_bytes(clouds(40))
    claim = {"title": "Clouds", "visibility": "public", "model": {"name": "Dreamer", "version": "2", "provider": "Us"}}
    asset = deployment.operator.sign(file, claim)
    proven(deployment, asset["ledger"]["entry"])
    said = " ".join(run("verify", file).stdout.split())
    assert "told by its content, which is the same, 100 of 100 alike" in said
    assert f"ledger entry {asset['ledger']['entry']}" in said
    assert "model Dreamer 2 by Us" in said
    assert "made with Sigillo" in said


def test_worst_of_several_decides(run: Run, files: dict[str, Path]) -> None:
    done = run("verify", files["trusted"], files["absent"], files["invalid"], "--json")
    assert done.exit_code == 5
    verdicts = {Path(name).stem: report["verdict"] for name, report in json.loads(done.stdout).items()}
    assert verdicts == {"trusted": "trusted", "photo": "absent", "invalid": "invalid"}
    assert run("verify", files["trusted"], files["absent"]).exit_code == 3
    assert run("verify", files["trusted"], files["untrusted"], files["absent"]).exit_code == 6


def test_refused_and_missing_files_do_not_spoil_the_others(run: Run, files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"no known kind")
    done = run("verify", tmp_path / "odd", tmp_path / "missing", files["trusted"], "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told[str(files["trusted"])]["verdict"] == "trusted"
    assert told[str(tmp_path / "odd")]["problem"]["status"] == 415
    assert "No such file" in told[str(tmp_path / "missing")]["problem"]["detail"]
    assert f"{tmp_path / 'odd'}: " in done.stderr.replace("\n", "")
    assert "missing" in done.stderr


def test_programs_get_the_servers_own_problem(run: Run, deployment: Running, tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"no known kind")
    with deployment.http() as http:
        own = upload(http, b"no known kind", path="/v1/verifications").json()
    assert json.loads(run("verify", tmp_path / "odd", "--json").stdout)["problem"] == own
    assert own["detail"] in run("verify", tmp_path / "odd").stderr.replace("\n", "")


def test_given_anchors_are_trusted(run: Run, foreign: Running, files: dict[str, Path], tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.pem"
    anchors.write_text(foreign.operator.anchors())
    assert run("verify", files["untrusted"], "--anchors", anchors).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x30\x82\xff\xfe", None])
def test_unusable_anchors_are_never_passed_over(run: Run, photo: Path, tmp_path: Path, content: bytes | None) -> None:
    anchors = tmp_path / "anchors.pem"
    if content is not None:
        anchors.write_bytes(content)
    done = run("verify", photo, "--anchors", anchors, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["problem"]["title"] == "Wrong usage"
    assert str(anchors) in done.stderr.replace("\n", "")
    assert "Traceback" not in done.output


def test_verifying_in_an_empty_home_makes_nobodys_keys(tmp_path: Path, photo: Path) -> None:
    done = sigillo(tmp_path / "home", "verify", photo, "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"], done.stderr) == (3, "absent", "")
    assert not (tmp_path / "home").exists()


def test_missing_file_says_which(run: Run, tmp_path: Path) -> None:
    done = run("verify", tmp_path / "missing.jpg")
    assert done.exit_code == 1
    assert "missing.jpg" in done.stderr
    assert "Traceback" not in done.output


def test_no_answer_is_unavailable(run: Run, photo: Path) -> None:
    done = run("verify", photo, "--server", "http://127.0.0.1:1", "--json")
    assert done.exit_code == 7
    assert "127.0.0.1:1" in done.stderr
    assert json.loads(done.stdout)["problem"]["title"] == "Unavailable"


def test_public_asset_shows_its_ledger_entry(deployment: Running, ask: Ask, photo: Path) -> None:
    asset = ask("sign", photo, "--public")
    assert ask("verify", asset["written"])["ledger"]["entry"] == asset["ledger"]["entry"]


def test_a_time_stamp_is_told_with_its_authority(run: Run, photo: Path, tmp_path: Path) -> None:
    roots, file = tmp_path / "tsa.pem", tmp_path / "stamped.jpg"
    with serving(TimeStampAuthority()) as authority:
        roots.write_text(authority.anchors)
        with (
            running(tmp_path / "home", tsa_urls=(authority.url,), tsa_anchors=roots) as up,
            file.open("wb") as content,
        ):
            asset = up.operator.sign(photo)
            up.operator.content(asset["id"], content)
    told = " ".join(run("verify", file).stdout.split())
    assert f"time-stamp {asset['time_stamp']['time']} by Simulated time-stamps, whom we do not trust" in told


def test_a_manifest_beside_the_file_is_read(
    deployment: Running, ask: Ask, run: Run, photo: Path, tmp_path: Path
) -> None:
    asset, film = ask("sign", photo), tmp_path / "film.webm"
    film.write_bytes(b"\x1aE\xdf\xa3" + bytes(100))
    (tmp_path / "film.c2pa").write_bytes(deployment.operator.manifest(asset["id"]))
    done = run("verify", film, "--json")
    assert (done.exit_code, json.loads(done.stdout)["verdict"]) == (5, "invalid"), "it is of another file"
    assert "film.c2pa, found beside it" in " ".join(run("verify", film).stdout.split())
    (tmp_path / "film.cut.webm").write_bytes(film.read_bytes())
    assert run("verify", film).exit_code == 5, "that one has a name of its own"
    (tmp_path / "film.ogg").write_bytes(b"OggS" + bytes(100))
    unsure = run("verify", film)
    assert unsure.exit_code == 1
    assert "any of film.ogg, film.webm: name it with --manifest" in " ".join(unsure.output.split())
    (tmp_path / "film.ogg").unlink()
    assert run("verify", asset["written"], "--manifest", tmp_path / "film.c2pa").exit_code == 0
    (tmp_path / "film.c2pa").unlink()
    assert run("verify", film).exit_code == 3, "and alone it carries none"
