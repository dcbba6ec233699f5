"""What this is all for: a photo signed here and posted through a platform that strips it leads a stranger back."""

from __future__ import annotations

from ledger.receipt import verify_receipt
from tests.api.fixtures import to_the_log
from tests.api.fixtures import undisturbed as deployment
from tests.api.wire import proven, signed, upload
from tests.deployment import Running
from tests.recovering import photo, posted, saved

__all__ = ["deployment", "to_the_log"]


def test_a_stranger_gets_from_a_stripped_copy_to_its_verified_origin(deployment: Running) -> None:
    with deployment.http(deployment.key("Press Camera")) as camera:
        claim = {"visibility": "public", "title": "Portrait before launch"}
        asset, _ = signed(camera, saved(photo(17)), claim)
        proven(deployment, asset["ledger"]["entry"])
    seen = posted(photo(17))  # smaller, encoded anew, without a byte of metadata
    with deployment.http() as stranger:
        report = upload(stranger, seen, path="/v1/verifications").json()
        assert report["verdict"] == "absent", "the copy itself is signed by nobody"
        assert report["recovered"]["looked"] == "found"
        origin = report["recovered"]["candidates"][0]
        assert origin["title"] == "Portrait before launch"
        assert origin["manifest_verdict"] == "trusted"
        assert "its own bytes are not signed" in origin["sentence"]
        assert origin["match"] in {"pdq", "image-code"}
        said = verify_receipt(origin["ledger"]["receipt"], deployment.operator.log_key())
        assert said.entry.id == asset["ledger"]["entry"]

        manifest = stranger.get(f"/manifests/{origin['manifest_id']}").content
        parts = {"file": ("copy.jpg", seen, "image/jpeg"), "manifest": ("m.c2pa", manifest, "application/c2pa")}
        beside = stranger.post("/v1/verifications", files=parts).json()
        assert beside["signer"]["common_name"] == origin["signer"]
        assert beside["verdict"] == "invalid", "brought together, they say that the content was changed"
        assert beside["recovered"] is None
