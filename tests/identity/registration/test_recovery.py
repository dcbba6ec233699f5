from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.registration.errors import RecoveryCodeError
from identity.registration.recovery import CODE_BYTES, RecoveryCode
from keys.clock import system_entropy
from tests.hashes import dear


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_words_are_read_back_however_they_are_written(secret: bytes) -> None:
    code = RecoveryCode(secret)
    assert len(code.words.split()) == 12
    assert RecoveryCode.read(code.words) == code
    assert RecoveryCode.read(f"  {code.words.upper()} ".replace(" ", "\n ")) == code


def test_a_code_is_known_by_its_hash_and_no_other() -> None:
    code, other = (RecoveryCode.new(system_entropy) for _ in range(2))
    with dear():
        kept = code.hashed(system_entropy)
    assert kept.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    code.check(kept)
    assert kept != code.hashed(system_entropy), "salted"
    with pytest.raises(RecoveryCodeError):
        other.check(kept)


def test_what_is_no_code_is_refused() -> None:
    words = RecoveryCode(bytes(CODE_BYTES)).words.split()
    swapped = [words[-1], *words[1:-1], words[0]]
    longer = "abandon " * 23 + "art"  # 256 bits, which holds as a mnemonic
    for text in ("", "words", " ".join(words[:-1]), " ".join(swapped), longer, "abandon " * 100, "\0" * 12):
        with pytest.raises(RecoveryCodeError):
            RecoveryCode.read(text)


def test_a_code_does_not_show_itself() -> None:
    assert "secret" not in repr(RecoveryCode.new(system_entropy))
