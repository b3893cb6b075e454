"""Files of an evaluation, and what is said of wrong ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.ops.evaluation.readers import read_histories, read_sessions, rows_of


def _write(folder: Path, text: str, name: str = "file.txt") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_line_a_user_in_order_with_new_items_numbered_after_the_known(tmp_path: Path) -> None:
    found = read_histories(_write(tmp_path, "7 a b\n9 b c a\n8\n"), items=("b",))
    assert (found.users, found.items) == (["7", "9", "8"], ["b", "a", "c"])
    assert [found.sequences.of(owner).tolist() for owner in range(3)] == [[1, 0], [0, 2, 1], []]


def test_csv_is_put_in_the_order_of_its_times(tmp_path: Path) -> None:
    header = "user_id,product_id,interaction_type,occurred_at"
    text = f"{header}\nu,a,view,2026-01-02T00:00:00Z\nv,b,view,5\nu,c,view,2026-01-01\n"
    found = read_histories(_write(tmp_path, text))
    assert [found.items[row] for row in found.sequences.of(0)] == ["c", "a"]
    assert found.sequences.times[1] - found.sequences.times[0] == 86_400


def test_sessions_in_a_table_of_clicks_or_one_a_line(tmp_path: Path) -> None:
    packed = tmp_path / "clicks.tsv.gz"
    packed.write_bytes(
        gzip.compress(b"SessionId\tItemId\tTime\n2\tx\t1396437473000\n1\ty\t1396437472000\n2\tz\t1396437471000\n")
    )
    table = read_sessions(packed)
    assert [table.items[row] for row in table.sequences.of(0)] == ["z", "x"]
    assert table.sequences.times[0] == 1_396_437_471  # milliseconds are recognised
    lines = read_sessions(_write(tmp_path, "x y\nz, x\n"))
    assert [[lines.items[row] for row in lines.sequences.of(owner)] for owner in (0, 1)] == [["x", "y"], ["z", "x"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no line"),
        ("1 a\n1 b\n", "line 2: '1' has a line already"),
        ("user_id,product_id\nu,a\nu\n", "line 3: 1 columns of 2"),
        ("user_id,product_id,occurred_at\nu,a,yesterday\n", "line 2: 'yesterday' is no time"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_histories(_write(tmp_path, text))
    assert said in caught.value.message
    assert caught.value.hint


def test_a_binary_or_cut_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81 1\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"1 a b\n" * 1000)[:40])
    for name in ("binary", "cut.gz", "missing"):
        with pytest.raises(InvalidInput):
            read_histories(tmp_path / name)


def test_users_are_found_again() -> None:
    assert rows_of(["b", "x", "a"], ["a", "b"]).tolist() == [1, -1, 0]
