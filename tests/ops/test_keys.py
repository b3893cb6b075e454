"""The box's own secrets: made once, private, stable, never guessed anew."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from appliance.errors import StoreError
from appliance.ops.keys import FILE_NAME, load_keys


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    first = load_keys(tmp_path)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = load_keys(tmp_path)
    assert str(first.customer_token_secret) == str(again.customer_token_secret)
    assert first.pseudonym("user", "u1") == again.pseudonym("user", "u1")
    assert len(first.customer_token_secret) == 64


def test_a_missing_key_is_added_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(json.dumps({"customer_token_secret": "s" * 64}), encoding="utf-8")
    keys = load_keys(tmp_path)
    assert str(keys.customer_token_secret) == "s" * 64
    assert set(json.loads(file.read_text())) == {"customer_token_secret", "pseudonym_key", "claim_key"}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"pseudonym_key": 5}'])
def test_a_damaged_file_is_an_error_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(content)
    with pytest.raises(StoreError):
        load_keys(tmp_path)
    assert file.read_bytes() == content


def test_pseudonyms_hide_the_id_and_keep_parts_apart(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    assert "alice" not in keys.pseudonym("user", "alice")
    assert keys.pseudonym("user", "alice") != keys.pseudonym("session", "alice")
    assert keys.pseudonym("a", "bc") != keys.pseudonym("ab", "c")
    other = tmp_path / "other"
    other.mkdir()
    assert load_keys(other).pseudonym("user", "alice") != keys.pseudonym("user", "alice")


def test_secrets_do_not_show_in_a_representation(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    assert str(keys.customer_token_secret) not in repr(keys.customer_token_secret)
    assert str(keys.customer_token_secret) not in repr(keys)
