"""A film's life on the service as people run it: signed, cut, checked, and stripped; over HTTP and by command."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import av
from c2pa import Reader

from provenance.manifest import CONTENT_LABEL
from tests.api.cli.process import served, sigillo
from tests.api.wire import assets_in, signed, upload
from tests.detection.films import Film, remuxed, write

KEY = {"tool": "Camera", "source_types": ["digitalCapture"]}
SHOT = {
    "title": "Harbour",
    "visibility": "public",
    "actions": [{"name": "c2pa.created", "source_type": "digitalCapture"}],
}
TRIM = {"title": "Harbour, the first second", "actions": [{"name": "c2pa.trimmed", "description": "to 1 s"}]}


def trimmed(film: bytes) -> bytes:
    """The first second of its tracks, as a cutter that knows nothing of manifests leaves it."""
    out = io.BytesIO()
    with av.open(io.BytesIO(film), "r") as source, av.open(out, "w", format="mp4") as sink:
        copies = {stream.index: sink.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.time_base and packet.dts * packet.time_base < 1:
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
    return out.getvalue()


def looks(film: bytes) -> list[list[Any]]:
    """When each of its frames is seen that has a hash, and the hash, as its manifest says."""
    with Reader("video/mp4", io.BytesIO(film)) as reader:
        store = json.loads(reader.json())
    said = store["manifests"][store["active_manifest"]]["assertions"]
    frames: list[list[Any]] = next(one["data"]["frames"] for one in said if one["label"] == CONTENT_LABEL)
    return frames


def test_a_film_is_signed_cut_checked_and_stripped(tmp_path: Path) -> None:
    film = write(Film())
    with served(tmp_path / "home") as up, up.operator() as operator:
        token = operator.issue_key(KEY)["token"]
        with up.http(str(token)) as http:
            asset, whole = signed(http, film, SHOT, mime="video/mp4")
            part = upload(
                http, trimmed(whole), TRIM, mime="video/mp4", path=f"{asset['links']['self']}/transformations"
            )
            assert part.status_code == 201, part.text
            made = http.get(part.json()["links"]["content"]).content
            custody = assets_in(http.get(part.json()["links"]["custody"]).json())
        assert custody == [part.json()["id"], asset["id"]]
        files = {"whole.mp4": whole, "part.mp4": made, "stripped.mp4": remuxed(made, "mp4")}
        for name, file in files.items():
            (tmp_path / name).write_bytes(file)
        paths = [tmp_path / name for name in files]
        done = sigillo(tmp_path, "verify", *paths, "--json", server=f"http://127.0.0.1:{up.port}")
    assert done.returncode == 3, done.stderr  # the worst of them: it is absent
    first, second, gone = (json.loads(done.stdout)[str(path)] for path in paths)
    assert (first["verdict"], first["ledger"]["entry"]) == ("trusted", asset["ledger"]["entry"])
    assert (second["verdict"], second["ancestry"]) == ("trusted", "trusted")
    assert [action["name"] for action in second["actions"]] == ["c2pa.opened", "c2pa.trimmed"]
    assert second["ingredients"][0]["label"] == asset["manifest"]
    before, after = looks(whole), looks(made)
    assert [at for at, _ in before] == [0, 1000, 2000]
    assert after == before[: len(after)], "what is left looks as it did, at the same times"
    assert gone["verdict"] == "absent"
    origin = gone["recovered"]["candidates"][0]
    assert (origin["manifest_id"], origin["match"]) == (asset["manifest"], "frames"), "the part is told by its frames"
    assert origin["manifest_verdict"] == "trusted"
