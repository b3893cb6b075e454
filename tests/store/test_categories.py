"""Category paths, handles and lenient look-up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.store.categories import CategoryTree


def _placed(*paths: str) -> CategoryTree:
    tree = CategoryTree()
    for path in paths:
        tree.place(path)
    return tree


def test_a_path_makes_the_chain_once() -> None:
    tree = _placed("Túi > Túi xách", "túi>TÚI XÁCH", "Túi > Túi xách > Da")
    assert [(node.handle, node.parent_id) for node in tree.all()] == [
        ("tui", ""),
        ("tui-xach", "cat_tui"),
        ("da", "cat_tui-xach"),
    ]
    assert tree.path("cat_da") == "Túi > Túi xách > Da"
    assert [node.handle for node in tree.lineage("cat_da")] == ["tui", "tui-xach", "da"]


def test_the_same_name_in_another_branch_takes_the_handle_of_its_path() -> None:
    tree = _placed("Giày > Nam", "Túi > Nam", "Nam", "Nam")
    assert sorted(node.handle for node in tree.all()) == ["giay", "nam", "nam-2", "tui", "tui-nam"]


def test_marks_tell_names_apart() -> None:
    tree = _placed("Dừa", "Dứa", "Dưa")
    assert sorted(node.name for node in tree.all()) == sorted(["Dừa", "Dứa", "Dưa"])
    assert len({node.handle for node in tree.all()}) == 3
    found = tree.find("dứa")
    assert found is not None
    assert found.name == "Dứa"


def test_find_is_lenient_and_prefers_a_root() -> None:
    tree = _placed("Giày > Balo", "Ba lô da", "Túi > Ví", "Balo")
    for text in ("ba lo da", "BA LÔ DA", "ba-lo-da", "cat_ba-lo-da", "ba  lô   da"):
        node = tree.find(text)
        assert node is not None
        assert node.name == "Ba lô da"
    root = tree.find("BALO")
    assert root is not None
    assert root.parent_id == ""
    wallet = tree.find("Túi > ví")
    assert wallet is not None
    assert wallet.handle == "vi"
    assert tree.find("Túi > nothing") is None
    assert tree.find("") is None
    assert tree.find("***") is None


def test_a_draft_leaves_the_tree_alone() -> None:
    tree = _placed("Túi")
    draft = tree.draft()
    draft.place("Túi > Ví")
    assert tree.find("Ví") is None
    assert [node.name for node in draft.created] == ["Ví"]


def test_names_without_a_word_get_a_handle_too() -> None:
    tree = _placed("***", "🎒", "***")
    assert len(tree.all()) == 2
    assert all(node.handle for node in tree.all())


def test_a_path_without_end_is_bounded() -> None:
    tree = _placed(" > ".join(str(number) for number in range(500)), " > > ", "")
    assert len(tree.all()) == 12


@given(st.lists(st.text(max_size=20), max_size=12))
def test_handles_and_ids_are_unique_and_paths_lead_back(paths: list[str]) -> None:
    tree = CategoryTree()
    for path in paths:
        node = tree.place(path)
        if node is not None:
            assert tree.place(tree.path(node.id)) is node
            assert tree.find(node.handle) is node or tree.find(node.id) is node
    nodes = tree.all()
    assert len({node.handle for node in nodes}) == len({node.id for node in nodes}) == len(nodes)
    seen = {""}
    for node in nodes:
        assert node.parent_id in seen
        seen.add(node.id)
