from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from api.running.home import SOCKET_PATH_BYTES, Home, HomeHeldError, StartError


def test_folder_is_the_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    with home.holding() as holder:
        home.announce(holder)
        assert home.folder.stat().st_mode & 0o777 == 0o700
        assert (home.folder / "server.json").stat().st_mode & 0o777 == 0o600
        assert home.holder() == holder
        assert holder.token not in repr(holder)


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.holding(), pytest.raises(HomeHeldError, match=str(tmp_path)), home.holding():
        raise AssertionError("held twice")
    with home.holding():
        pass


def _hold_and_die(folder: Path) -> None:
    home = Home(folder)
    with home.holding() as holder:
        home.announce(holder)
        os._exit(1)


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(tmp_path,))
    child.start()
    child.join()
    home = Home(tmp_path)
    assert home.holder() is not None
    with home.holding() as holder:
        home.announce(holder)
        assert home.holder() == holder


def test_each_start_has_its_own_token(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(3):
        with Home(tmp_path).holding() as holder:
            tokens.add(holder.token)
    assert len(tokens) == 3


def test_nothing_is_left_announced_whatever_ended_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with suppress(KeyboardInterrupt), home.holding() as holder:
        home.announce(holder)
        holder.socket.touch()
        raise KeyboardInterrupt
    assert home.holder() is None
    assert not holder.socket.exists()


def test_long_paths_have_their_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * SOCKET_PATH_BYTES)
    with Home(folder).holding() as holder, socket.socket(socket.AF_UNIX) as listener:
        assert folder not in holder.socket.parents
        listener.bind(str(holder.socket))
    assert not holder.socket.exists()


def test_nobody_announced(tmp_path: Path) -> None:
    assert Home(tmp_path).holder() is None


def test_whoever_leaves_waits_for_visitors(tmp_path: Path) -> None:
    home = Home(tmp_path)
    left = threading.Event()

    def leave() -> None:
        with home.leaving():
            left.set()

    with home.visiting(), home.visiting():
        leaver = threading.Thread(target=leave)
        leaver.start()
        assert not left.wait(0.1)
    leaver.join()
    assert left.is_set()


def test_a_folder_others_may_enter_is_refused(tmp_path: Path) -> None:
    """Whoever can write there could plant the file that receives the operator's token."""
    loose = tmp_path / "home"
    loose.mkdir()
    for mode in (0o755, 0o777, 0o701):
        loose.chmod(mode)
        with pytest.raises(StartError, match="chmod 700"), Home(loose).holding():
            raise AssertionError("held")
        assert list(loose.iterdir()) == []
    loose.chmod(0o700)
    with Home(loose).holding():
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="lock"), Home(tmp_path).holding():
        raise AssertionError("held")
    assert not (tmp_path / "elsewhere").exists()
