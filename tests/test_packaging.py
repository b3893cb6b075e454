"""The wheel holds everything the product needs, and a wheelhouse cannot be altered unseen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script's module that writes and checks a wheelhouse's files."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import wheelhouse_files

    return wheelhouse_files


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script's module that builds a wheelhouse."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import build_wheelhouse

    return build_wheelhouse


def make_wheel(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", extra: str = "") -> Path:
    """Write a wheel that holds its metadata and one module."""
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "answer = 42\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{extra}\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def wheel_content(tmp_path: Path) -> set[str]:
    """Build the wheel without network and return the names in it."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("shop_appliance-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    content = wheel_content(tmp_path)
    package = ROOT / "appliance"
    expected = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert expected <= content
    kinds = {"appliance/py.typed", "appliance/locale/vi.toml", "appliance/locale/en.toml"}
    assert kinds <= content
    assert any(name.startswith("appliance/store/migrations/") for name in content)


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(tmp_path: Path) -> None:
    strangers = [name for name in wheel_content(tmp_path) if not name.startswith(("appliance/", "shop_appliance-"))]
    assert strangers == []


def test_annoy_is_never_a_hard_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "annoy" not in {Requirement(text).name for text in project["dependencies"]}
    assert [Requirement(text).name for text in project["optional-dependencies"]["annoy"]] == ["annoy"]


def test_the_lock_pins_each_wheel_by_hash(tmp_path: Path, files: ModuleType) -> None:
    make_wheel(tmp_path, "Beta_Lib", "2.1", extra="License-Expression: MIT")
    make_wheel(tmp_path, "alpha")
    wheels = files.read_wheels(tmp_path)
    assert [(wheel.name, wheel.licence) for wheel in wheels] == [("alpha", "unknown"), ("beta-lib", "MIT")]
    lines = files.lock_lines(wheels)
    assert lines[1] == f"beta-lib==2.1 --hash=sha256:{wheels[1].sha256}"
    assert len(wheels[0].sha256) == 64


def test_two_versions_of_one_distribution_are_refused(tmp_path: Path, files: ModuleType) -> None:
    make_wheel(tmp_path, "alpha", "1.0")
    make_wheel(tmp_path, "alpha", "2.0")
    with pytest.raises(ValueError, match="alpha is there twice"):
        files.read_wheels(tmp_path)


def test_altered_missing_and_added_wheels_are_seen(tmp_path: Path, files: ModuleType) -> None:
    alpha, beta = make_wheel(tmp_path, "alpha"), make_wheel(tmp_path, "beta")
    files.write_bundle_files(tmp_path, files.read_wheels(tmp_path), "x86-64-v2")
    assert files.verify_sums(tmp_path) == []
    alpha.write_bytes(alpha.read_bytes() + b"x")
    beta.unlink()
    gamma = make_wheel(tmp_path, "gamma")
    assert files.verify_sums(tmp_path) == [alpha.name, beta.name, gamma.name]


def test_pip_installs_from_the_lock_and_refuses_an_altered_wheel(tmp_path: Path, files: ModuleType) -> None:
    house = tmp_path / "house"
    house.mkdir()
    wheel = make_wheel(house, "alpha")
    files.write_bundle_files(house, files.read_wheels(house), "x86-64-v2")

    def install(target: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--find-links", str(house)]
        command += ["--require-hashes", "-r", str(house / "requirements.lock"), "--target", str(tmp_path / target)]
        return subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull}
        )

    good = install("good")
    assert good.returncode == 0, good.stderr
    wheel.unlink()
    make_wheel(house, "alpha", extra="Summary: altered")
    bad = install("bad")
    assert bad.returncode != 0
    assert "DO NOT MATCH THE HASHES" in bad.stderr


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_installer_stops_before_installing_an_altered_folder(tmp_path: Path, files: ModuleType) -> None:
    house = tmp_path / "house"
    house.mkdir()
    wheel = make_wheel(house, "alpha")
    files.write_bundle_files(house, files.read_wheels(house), "x86-64-v2")
    wheel.write_bytes(wheel.read_bytes() + b"x")
    command = ["sh", str(house / "install.sh"), str(tmp_path / "shop")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable})
    assert done.returncode == 1
    assert "altered" in done.stderr
    assert not (tmp_path / "shop").exists()


def test_the_installer_refuses_a_box_it_was_not_made_for(tmp_path: Path, files: ModuleType) -> None:
    make_wheel(tmp_path, "alpha")
    files.write_bundle_files(tmp_path, files.read_wheels(tmp_path), "x86-64-v2")
    other = {"python": "2.7", "machine": "pdp11", "baseline": "x86-64-v2", "glibc": ""}
    (tmp_path / "target.json").write_text(json.dumps(other), encoding="utf-8")
    sums = "".join(f"{files._sha256(path)}  {path.name}\n" for path in tmp_path.iterdir() if path.name != "SHA256SUMS")
    (tmp_path / "SHA256SUMS").write_text(sums, encoding="utf-8")
    command = ["sh", str(tmp_path / "install.sh"), str(tmp_path / "shop")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable})
    assert done.returncode == 1
    assert "for Python 2.7" in done.stderr
    assert "for pdp11" in done.stderr


def test_a_wheel_compiled_here_is_refused_unless_it_is_annoy(
    tmp_path: Path, files: ModuleType, builder: ModuleType
) -> None:
    make_wheel(tmp_path, "annoy", tag="cp311-cp311-linux_x86_64")
    make_wheel(tmp_path, "numpy", tag="cp311-cp311-manylinux_2_28_x86_64")
    builder.refuse_local_builds(files.read_wheels(tmp_path))
    make_wheel(tmp_path, "stray", tag="cp311-cp311-linux_x86_64")
    with pytest.raises(builder.WheelhouseError, match="stray"):
        builder.refuse_local_builds(files.read_wheels(tmp_path))


def test_bill_of_materials_names_each_wheel_with_its_hash(tmp_path: Path, files: ModuleType) -> None:
    make_wheel(tmp_path, "alpha", "3.2")
    wheels = files.read_wheels(tmp_path)
    bill = files.bill_of_materials(wheels)
    (component,) = bill["components"]
    assert bill["bomFormat"] == "CycloneDX"
    assert component["purl"] == "pkg:pypi/alpha@3.2"
    assert component["hashes"] == [{"alg": "SHA-256", "content": wheels[0].sha256}]


def test_annoy_is_built_for_a_named_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import annoy_build

    assert annoy_build.portable_baseline("x86_64") == "x86-64-v2"
    assert annoy_build.portable_baseline("aarch64") == "armv8-a"
    flags = annoy_build.build_environment("x86-64-v2")["ANNOY_COMPILER_ARGS"]
    assert "-march=x86-64-v2" in flags.split(",")
    assert "native" not in flags
    assert "ANNOY_COMPILER_ARGS" not in annoy_build.build_environment(None)
