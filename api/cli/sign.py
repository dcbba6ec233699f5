"""`sigillo sign FILE…`: upload, have it signed, write the signed file beside the original.

A file that cannot carry its manifest stays as it is: the manifest alone is written beside it, or both where `-o` says.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from api.cli.bulk import AT_ONCE, FAILURES, JOURNAL, Batch, Bulk, Failure, Found, found
from api.cli.connect import SERVER, TOKEN, connected
from api.cli.files import SIDECAR_SUFFIX, Draft, each, sidecar, write
from api.cli.output import JSON, Exit, complain, fail, quoted, say, show, told
from detection.allocation import keep_freed
from sigillo_client import BatchFile, Problem, Sigillo
from sigillo_client.answers import Asset

if TYPE_CHECKING:
    from api.cli.creator import Creator


def sign(
    files: list[Path] = typer.Argument(..., help="Files of any accepted kind (see docs/api.md)."),
    out: str = typer.Option(
        "", "-o", "--out", help="Output file, or FOLDER/. Default: NAME.signed.EXT; of WebM and Ogg NAME.c2pa alone."
    ),
    title: str = typer.Option("", help="Title in the manifest."),
    claim: Path = typer.Option(None, help="JSON file with the whole claim (see docs/api.md); --title wins over it."),
    made_from: str = typer.Option("", help="Asset these were made from: it becomes their parent. --claim says how."),
    creator_key: Path = typer.Option(
        None, help="Your own key (PEM, P-256 or Ed25519): you sign, too, and the manifest carries it. It stays here."
    ),
    creator_certificate: Path = typer.Option(None, help="Its certificates (PEM), leaf first, where it has some."),
    creator_name: str = typer.Option("", help="Who you are, in your own words."),
    creator_signature: Path = typer.Option(
        None, help="JSON: what you signed for this one file with a passkey of your account there (see docs/api.md)."
    ),
    recursive: bool = typer.Option(
        False, "--recursive", help="The one argument is a folder: sign all in it, into another (default: NAME.signed)."
    ),
    at_once: int = typer.Option(AT_ONCE, min=1, max=64, help="With --recursive: requests under way at a time."),
    public: bool = typer.Option(False, help="Anyone who presents the file may learn of its ledger entry."),
    wait: int = typer.Option(0, min=0, help="Seconds to wait until the ledger entry is proven by a checkpoint."),
    server: str = SERVER,
    token: str = TOKEN,
    as_json: bool = JSON,
) -> None:
    """Sign files: each gets a C2PA manifest and an entry in the ledger."""
    body = _claim(claim, title, public=public)
    creator = _creator(creator_key, creator_certificate, creator_name) if creator_key else None
    if creator_signature and (creator or recursive or len(files) > 1):
        raise fail("--creator-signature is of one file, and takes the place of --creator-key", Exit.USAGE)
    if creator_signature:
        body["creator_signature"] = _object(creator_signature, "--creator-signature")
    if recursive and made_from:
        raise fail("--made-from is for named files: leave --recursive out", Exit.USAGE)
    if recursive:
        _whole_folder(files, out, _Asking(server, token, body, wait, creator), at_once, as_json=as_json)
    if folders := [file for file in files if file.is_dir()]:
        raise fail(f"{folders[0]} is a folder: --recursive signs all that is in it", Exit.USAGE)
    folder = out.endswith("/")
    targets = {
        file: _target(file, Path(out) if out else None, several=len(files) > 1, as_folder=folder) for file in files
    }
    _check_targets(targets)
    with told(), connected(server, token) as sigillo:
        done, refused = each(
            files,
            "signing",
            lambda file: _sign(_Asked(sigillo, body, made_from, wait, creator), file, targets[file]),
            as_json=as_json,
        )
    _show(done, as_json=as_json)
    held = any(asset.get("hold") for asset in done.values())
    raise typer.Exit(max(refused, default=Exit.HELD if held else Exit.OK))


@dataclass(frozen=True)
class _Asking:
    """Whom to ask, and for what."""

    server: str
    token: str
    claim: dict[str, Any]
    wait: int
    creator: Creator | None


def _whole_folder(folders: list[Path], out: str, asking: _Asking, at_once: int, *, as_json: bool) -> NoReturn:
    if len(folders) != 1 or not folders[0].is_dir():
        raise fail("--recursive takes one folder", Exit.USAGE)
    if asking.creator:
        raise fail("--creator-key signs named files: leave --recursive out", Exit.USAGE)
    keep_freed()
    folder = folders[0]
    into = Path(out) if out else folder.with_name(f"{folder.resolve().name}.signed")
    if folder.resolve().is_relative_to(into.resolve()):
        raise fail(f"{into} holds the files that are to be signed: name another folder with -o", Exit.USAGE)
    here = found(folder, into)
    files = here.files
    _check_beside(files)
    with told(), connected(asking.server, asking.token) as sigillo:
        batch = Batch(sigillo, into, len(files))

        def some(files: Sequence[BatchFile]) -> Sequence[Asset | Failure]:
            drafts = {file: list[Draft]() for file in files}

            def save(file: BatchFile, part: str, chunks: Iterable[bytes]) -> None:
                # A kind that cannot carry its manifest is copied, for what is signed stands in one place.
                target = into / file.name
                target = target.with_suffix(SIDECAR_SUFFIX) if part == "manifest" else target
                drafts[file].append(Draft(target, lambda stream: stream.writelines(chunks)))

            try:
                done = sigillo.sign_files(batch.begun(), files, asking.claim, save, asking.wait)
            except BaseException:
                _drop(chain(*drafts.values()))
                raise
            return [_put(one, drafts[file]) for file, one in zip(files, done, strict=True)]

        bulk = Bulk(folder, into, json.dumps(asking.claim, sort_keys=True), some)
        try:
            bulk.run(files, at_once)
        except BaseException:
            if bulk.finished:
                complain(f"stopped at {bulk.finished} of {len(files)}; the same command goes on from there")
            raise
    _tell(bulk, batch.id, here, as_json=as_json)
    raise typer.Exit(Exit.REFUSED if bulk.failed else Exit.HELD if bulk.held else Exit.OK)


def _check_beside(files: Sequence[Path]) -> None:
    """Before anything is signed: no manifest is written over another, of films that only their endings tell apart."""
    stems = [file.with_suffix("") for file in files]
    named = Counter(stems)
    alike = [file for file, stem in zip(files, stems, strict=True) if named[stem] > 1]
    beside = Counter(filter(None, map(sidecar, alike)))
    if twice := next((manifest for manifest, of in beside.items() if of > 1), None):
        raise fail(f"two files would have one manifest, {twice.name}, in {twice.parent}: rename one", Exit.USAGE)


def _put(done: Asset | Failure, drafts: Sequence[Draft]) -> Asset | Failure:
    """Let what came of a file take its place; not before all of the answer is there, for the disk takes it together."""
    if isinstance(done, Exception):
        _drop(drafts)
        return done
    try:
        for draft in drafts:
            draft.put()
    except OSError as error:
        _drop(drafts)
        return error
    return done if drafts or done["hold"] else _gone(done)


def _drop(drafts: Iterable[Draft]) -> None:
    for draft in drafts:
        draft.drop()


def _gone(asset: Asset) -> Problem:
    """What to say of one that was signed before, in this batch, and is not kept any more."""
    detail = f"{asset['id']} was signed before and is {asset['state']}: claim something else of it, or begin anew"
    return Problem(HTTPStatus.GONE, {"title": "Its signed file is no longer kept", "detail": detail})


def _tell(bulk: Bulk, batch: str, here: Found, *, as_json: bool) -> None:
    counts = {"signed": bulk.done, "skipped": bulk.skipped, "held": bulk.held, "failed": bulk.failed}
    failures = str(bulk.out / FAILURES) if bulk.failed else None
    if as_json:
        written = {"written": str(bulk.out), "journal": str(bulk.out / JOURNAL), "failures": failures}
        show({**counts, **written, "batch": batch or None, "links": here.links, "signed_before": here.written})
        return
    say(f"{quoted(bulk.folder)} -> [bold]{quoted(bulk.out)}[/]")
    say("  " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    if batch:
        say(f"  batch {batch}")
    if here.links:
        say(f"  links passed over: {here.links}; what they lead to is signed if it is copied there")
    if here.written:
        say(f"  folders passed over that have signed files of an earlier run: {here.written}")
    if failures:
        say(f"  what was refused, and why: {quoted(failures)}; run it again once that is mended")


def _claim(file: Path | None, title: str, *, public: bool) -> dict[str, Any]:
    body = _object(file, "a claim") if file else {}
    chosen = {"title": title} if title else {}
    return {**body, **chosen, **({"visibility": "public"} if public else {})}


def _object(file: Path, what: str) -> dict[str, Any]:
    try:
        body: Any = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise fail(f"{file}: not readable as JSON: {error}", Exit.USAGE) from error
    if not isinstance(body, dict):
        raise fail(f"{file}: {what} is a JSON object", Exit.USAGE)
    return body


def _target(file: Path, out: Path | None, *, several: bool, as_folder: bool) -> Path:
    if out is None and sidecar(file):
        return file
    if out is None:
        return file.with_name(f"{file.stem}.signed{file.suffix}")
    if several or out.is_dir() or as_folder:
        return out / file.name
    return out


def _check_targets(targets: dict[Path, Path]) -> None:
    """Before anything is signed: a signature in the ledger cannot be taken back."""
    beside = [target.with_suffix(SIDECAR_SUFFIX) for file, target in targets.items() if sidecar(file)]
    written = [target for file, target in targets.items() if target != file or not sidecar(file)] + beside
    if twice := next((target for target in written if written.count(target) > 1), None):
        raise fail(f"two of these files would be written to {twice}; sign them apart", Exit.USAGE)
    if same := {file.resolve() for file in targets} & {target.resolve() for target in written}:
        raise fail(f"{same.pop()} would be overwritten by its signed copy: name another -o", Exit.USAGE)
    if there := next((one for one in beside if one.exists()), None):
        raise fail(f"{there} is there already: move it away, or name another -o", Exit.USAGE)
    for folder in {target.parent for target in targets.values()}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise fail(f"{folder} is no folder to write to: {error.strerror}", Exit.USAGE) from error
        if not os.access(folder, os.W_OK):
            raise fail(f"{folder} cannot be written to", Exit.USAGE)


@dataclass(frozen=True)
class _Asked:
    """What is asked for each of the files."""

    sigillo: Sigillo
    claim: dict[str, Any]
    made_from: str
    wait: int
    creator: Creator | None

    def asset(self, file: Path) -> Asset:
        claim = self.creator.cosigned(file, self.claim) if self.creator else self.claim
        if self.made_from:
            return self.sigillo.transform(self.made_from, file, claim, wait=self.wait)
        return self.sigillo.sign(file, claim, wait=self.wait)


def _sign(asked: _Asked, file: Path, target: Path) -> dict[str, Any]:
    asset, sigillo = asked.asset(file), asked.sigillo
    if asset["hold"]:
        return {**asset}  # signed, and kept back: there is nothing to write
    if target != file:
        write(target, lambda stream: sigillo.content(asset["id"], stream))
    if not sidecar(file):
        return {**asset, "written": str(target)}
    beside, manifest = target.with_suffix(SIDECAR_SUFFIX), sigillo.manifest(asset["id"])
    write(beside, lambda stream: stream.write(manifest))
    return {**asset, "written": str(target), "manifest_written": str(beside)}


def _creator(key: Path, certificate: Path | None, name: str) -> Creator:
    from api.cli.creator import Creator  # with all that reads keys: only where there is one

    return Creator.of(key, certificate, name)


def _show(done: dict[str, dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show(next(iter(done.values())) if len(done) == 1 else done)
        return
    for file, asset in ((file, asset) for file, asset in done.items() if "problem" not in asset):
        if asset["hold"]:
            _show_held(file, asset)
            continue
        if asset["written"] != file:
            say(f"{quoted(file)} -> [bold]{quoted(asset['written'])}[/]")
        if "manifest_written" in asset:
            say(f"{quoted(asset['written'])}: its manifest is [bold]{quoted(asset['manifest_written'])}[/], keep both")
        say(f"  asset {asset['id']}, ledger entry {asset['ledger']['entry']} ({asset['ledger']['state']})")
        if asset["parent"]:
            parent = asset["parent"]
            say(f"  arrived with an earlier manifest: {parent['verdict']}. {quoted(parent['sentence'])}")


def _show_held(file: str, asset: dict[str, Any]) -> None:
    hold = asset["hold"]
    say(f"{quoted(file)}: [bold]held[/], nothing is written ({hold['reason']}). {hold['sentence']}")
    say(f"  asset {asset['id']}, ledger entry {asset['ledger']['entry']} ({asset['ledger']['state']})")
    say(f"  sigillo likeness appeal {asset['id']} --statement … objects to that")
