from pathlib import Path

import pytest

from tests.unit.capture.fakes import fake_nsys, fake_program, only_programs_of
from workbench.capture.nsys import Nsys, find_nsys, how_to_install, missing_libraries
from workbench.errors import UserError


def test_the_newest_wins(tmp_path: Path) -> None:
    fake_nsys(tmp_path / "bin/nsys", "2023.4.4.54")
    newest = fake_nsys(tmp_path / "opt/nvidia/nsight-systems/2025.3.1/target-linux-x64/nsys", "2025.3.1.90")
    fake_nsys(tmp_path / "opt/nvidia/nsight-compute/2024.1/host/target-linux-x64/nsys", "2024.1")
    fake_nsys(tmp_path / "usr/local/cuda-12/bin/nsys", "2025.3.1.9")
    nsys = find_nsys({"PATH": str(tmp_path / "bin")}, tmp_path)
    assert nsys is not None
    assert (nsys.path, nsys.version, nsys.version_text) == (newest, (2025, 3, 1, 90), "2025.3.1.90")


def test_of_equals_the_one_on_the_path_wins(tmp_path: Path) -> None:
    on_path = fake_nsys(tmp_path / "bin/nsys")
    fake_nsys(tmp_path / "usr/local/cuda/bin/nsys")
    nsys = find_nsys({"PATH": str(tmp_path / "bin")}, tmp_path)
    assert nsys is not None
    assert nsys.path == on_path


def test_none(tmp_path: Path) -> None:
    fake_program(tmp_path / "bin/nsys", "echo something else")
    assert find_nsys({"PATH": str(tmp_path / "bin")}, tmp_path) is None


def test_the_named_one(tmp_path: Path) -> None:
    named = fake_nsys(tmp_path / "named", "2022.4.2.1")
    fake_nsys(tmp_path / "bin/nsys")
    nsys = find_nsys({"PATH": str(tmp_path / "bin"), "WB_NSYS": str(named)}, tmp_path)
    assert nsys == Nsys(named, (2022, 4, 2, 1), None)
    with pytest.raises(UserError, match="is no working nsys"):
        find_nsys({"WB_NSYS": str(tmp_path / "nothing")}, tmp_path)


@pytest.mark.parametrize(
    "importer",
    ["target/QdstrmImporter", "host-linux-x64/QdstrmImporter", "linux-desktop-glibc_2_11-x64/QdstrmImporter"],
)
def test_importers(tmp_path: Path, importer: str) -> None:
    path = fake_program(tmp_path / importer, "")
    named = fake_nsys(tmp_path / "target/nsys")
    (tmp_path / "link").symlink_to(named)
    nsys = find_nsys({"WB_NSYS": str(tmp_path / "link")}, tmp_path)
    assert nsys is not None
    assert nsys.importer == path


def test_missing_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "libc.so.6 => /lib/libc.so.6 (0x0)", "libdw.so.1 => not found", "libdw.so.1 => not found"
    fake_program(tmp_path / "ldd", "\n".join(f"echo '{line}'" for line in lines))
    only_programs_of(tmp_path, monkeypatch)
    assert missing_libraries(Nsys(tmp_path, (2025,), tmp_path)) == ("libdw.so.1",)
    assert missing_libraries(Nsys(tmp_path, (2025,), None)) == ()


def test_packages_of_libraries() -> None:
    both = "`apt-get install libdw1t64`, or on older systems `apt-get install libdw1`"
    assert how_to_install(("libdw.so.1", "libfoo.so")) == both
    assert how_to_install(("libssh.so", "libssh.so.4")) == "`apt-get install libssh-4`"
    assert how_to_install(("libfoo.so",)) == "install libfoo.so"
