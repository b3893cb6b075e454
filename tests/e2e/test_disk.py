"""A disk that is full or turns read-only: reads go on, writes are refused for what they are, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from live_shop import LiveShop, logged_ids

pytestmark = [pytest.mark.server, pytest.mark.slow]

RESUMES_WITHIN = 10.0
"""The promise, in seconds."""


def _mount(*arguments: str) -> None:
    """Mount, or skip the test where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting needs root")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not possible here: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True, capture_output=True)


@pytest.fixture
def small_disk(prepared_shop: Path, tmp_path: Path) -> Iterator[Path]:
    """The prepared shop on a tmpfs of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(disk))
    try:
        shutil.copytree(prepared_shop, disk, dirs_exist_ok=True)
        yield disk
    finally:
        _unmount(disk)


class Sending:
    """Sends events in small batches and remembers which were acknowledged."""

    def __init__(self, live: LiveShop) -> None:
        self.live = live
        self.acknowledged: list[str] = []
        self.sent = 0

    def once(self, count: int = 20) -> int:
        """Send a batch and return the status."""
        names = [f"e{self.sent + number}" for number in range(count)]
        self.sent += count
        answer = self.live.send(*names)
        if answer.status_code == 202:
            assert answer.json()["accepted"] == count
            self.acknowledged += names
        else:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code


def _fill(disk: Path) -> Path:
    """Take all the room that is left, to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(64))
    return ballast


def test_a_full_disk_refuses_writes_serves_reads_and_resumes(small_disk: Path) -> None:
    with LiveShop(small_disk) as live:
        sending = Sending(live)
        for _ in range(20):
            assert sending.once() == 202
        _fill(small_disk)
        live.until(lambda: _fill(small_disk) and sending.once(200) == 507, "507")
        assert "disk_full" in live.issue_codes()
        for _ in range(5):
            assert sending.once() in (202, 507)
            live.assert_shelves_answer()
        (small_disk / "ballast").unlink()
        live.until(lambda: sending.once() == 202, "writes again", RESUMES_WITHIN)
        live.until(lambda: live.overview()["ingest"]["lag"] == 0, "the merge", RESUMES_WITHIN)
        live.until(lambda: "disk_full" not in live.issue_codes(), "the cure", RESUMES_WITHIN)
        assert sending.once() == 202
        assert live.stop() == 0
    _assert_kept(small_disk, sending)


def test_a_disk_that_fills_while_the_log_is_merged_loses_nothing(small_disk: Path) -> None:
    with LiveShop(small_disk) as live:
        sending = Sending(live)
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            assert sending.once(100) == 202
            if sending.sent == 1000:
                _fill(small_disk)
                break
        for _ in range(50):
            sending.once(100)
        live.assert_shelves_answer()
        (small_disk / "ballast").unlink()
        live.until(lambda: sending.once() == 202, "writes again", RESUMES_WITHIN)
        assert live.stop() == 0
    _assert_kept(small_disk, sending)


def test_a_start_on_a_full_disk_ends_in_words_and_the_next_one_works(small_disk: Path) -> None:
    _fill(small_disk)
    live = LiveShop(small_disk)
    live.spawn()
    time.sleep(0.5)
    with suppress(AssertionError):
        live.wait_ready()
    with live.client:
        if live.process is not None and live.process.poll() is None:
            live.assert_shelves_answer()
            live.kill()
    assert "Traceback" not in live.log()
    (small_disk / "ballast").unlink()
    with LiveShop(small_disk) as again:
        assert not again.readyz()["safe_mode"]
        again.assert_shelves_answer()
        assert again.send("afterwards").status_code == 202


def test_a_read_only_folder_is_served_and_named(small_disk: Path) -> None:
    _mount("-o", "remount,ro", str(small_disk))
    with LiveShop(small_disk) as live:
        assert "read_only" in live.issue_codes()
        live.assert_shelves_answer()
        answer = live.send("refused")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert live.readyz()["parts"]["analytics"] != "off"
        assert live.stop() == 0
        assert "Traceback" not in live.log()
    _mount("-o", "remount,rw", str(small_disk))
    with LiveShop(small_disk) as live:
        assert "read_only" not in live.issue_codes()
        assert live.send("taken").status_code == 202


@pytest.fixture
def failing_disk(prepared_shop: Path, tmp_path: Path) -> Iterator[Path]:
    """The prepared shop on an ext4 image that can be made to find an error, upon which it turns read-only."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is missing")
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    _mount("-o", "loop,errors=remount-ro", str(image), str(disk))
    try:
        shutil.copytree(prepared_shop, disk, dirs_exist_ok=True)
        subprocess.run(["sync", "-f", str(disk)], check=True)  # the appliance syncs what it writes; a copy does not
        yield disk
    finally:
        _unmount(disk)


def _find_an_error(disk: Path) -> None:
    source = subprocess.run(["findmnt", "-no", "SOURCE", str(disk)], capture_output=True, text=True, check=True)
    device = Path(source.stdout.strip()).name
    assert device.startswith("loop"), "only the image of this test may be made to fail"
    trigger = Path("/sys/fs/ext4") / device / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel cannot make a file system find an error")
    trigger.write_text("for a test")


def test_a_disk_that_turns_read_only_under_the_process(failing_disk: Path) -> None:
    with LiveShop(failing_disk) as live:
        sending = Sending(live)
        for _ in range(10):
            assert sending.once() == 202
        _find_an_error(failing_disk)
        live.until(lambda: sending.once() == 503, "503")
        readiness = live.readyz()
        assert readiness["parts"]["ingest"] == "degraded"
        assert {"journal_failing", "read_only"} & {issue["code"] for issue in readiness["issues"]}
        live.assert_shelves_answer()
        assert live.stop() == 0
    with LiveShop(failing_disk) as live:
        assert "read_only" in live.issue_codes()
        live.assert_shelves_answer()
        assert sending_refused(live)
    _repair(failing_disk)
    _assert_kept(failing_disk, sending)


def sending_refused(live: LiveShop) -> bool:
    """Tell whether events are refused for now."""
    return live.send("refused").status_code == 503


def _repair(disk: Path) -> None:
    """Do what a technician does: unmount, check, mount."""
    image = disk.with_name("image")
    _unmount(disk)
    subprocess.run(["fsck.ext4", "-fy", str(image)], capture_output=True, check=False)
    _mount("-o", "loop", str(image), str(disk))


def _assert_kept(data: Path, sending: Sending) -> None:
    """Merge what waits, and find every acknowledged event once."""
    with LiveShop(data) as live:
        live.until(lambda: live.overview()["ingest"]["lag"] == 0, "the merge")
        assert live.stop() == 0
    ids = logged_ids(data)
    assert sending.acknowledged
    assert set(sending.acknowledged) <= set(ids)
    assert len(ids) == len(set(ids))
