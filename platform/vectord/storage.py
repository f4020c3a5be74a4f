"""The data directory: its one owner, its collections and their aliases."""

import asyncio
import errno
import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

import orjson
from qdrant_client import models

from vectord import durable
from vectord.collection import Collection
from vectord.errors import RefusedError, bad_request, not_found
from vectord.schema import check_new_collection

log = logging.getLogger("vectord")

MAX_NAME = 255
UPKEEP_SECONDS = 0.5


class DirectoryTakenError(Exception):
    """Another process owns the data directory."""


class DirectoryLock:
    """Exclusive ownership of a data directory for the life of this process.

    Taken before any shard is loaded: a second `load` of a shard breaks every later flush of its first owner, and does
    so even when that second load fails.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                raise
            raise DirectoryTakenError(
                f"the directory {directory} is in use by vectord with process id {owner}"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._descriptor)


class Storage:
    """All collections of one data directory. Requires that this process holds the directory's lock."""

    def __init__(self, directory: Path) -> None:
        self._aliases_file = directory / "aliases.json"
        self._collections_directory = directory / "collections"
        self._collections_directory.mkdir(exist_ok=True, mode=0o700)
        self.collections: dict[str, Collection] = {}
        for entry in sorted(self._collections_directory.iterdir()):
            if entry.name.startswith("."):
                shutil.rmtree(entry)  # half made or half deleted when a process died
                continue
            collection = Collection(entry)
            self.collections[collection.name] = collection
        stored = orjson.loads(self._aliases_file.read_bytes()) if self._aliases_file.exists() else {}
        self.aliases: dict[str, str] = {alias: name for alias, name in stored.items() if name in self.collections}
        self._discarding: set[asyncio.Task[None]] = set()
        self._upkeep = asyncio.get_running_loop().create_task(self._keep_up())

    def collection(self, name: str) -> Collection:
        """By its own name or an alias. Raises a 404."""
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise not_found(f"Collection `{name}` doesn't exist!")
        return found

    def create(self, name: str, config: models.CreateCollection) -> None:
        _check_name(name)
        if name in self.collections:
            raise RefusedError(409, f"Wrong input: Collection `{name}` already exists!")
        if name in self.aliases:
            raise bad_request(f"Can't create collection with name {name}. Alias with the same name already exists")
        check_new_collection(config)
        self.collections[name] = Collection.create(self._collections_directory, name, config)

    async def delete(self, name: str) -> bool:
        """Gone from one moment to the next, with the aliases that point to it. False if there was none."""
        collection = self.collections.pop(self.aliases.get(name, name), None)
        if collection is None:
            return False
        self.aliases = {alias: of for alias, of in self.aliases.items() if of != collection.name}
        trash = collection.directory.with_name(f".deleted-{uuid.uuid4().hex}")
        durable.rename(collection.directory, trash)
        # Aliases without a collection are dropped at the next start, should the process die between the two steps.
        durable.write_json(self._aliases_file, self.aliases)
        collection.deleted = True
        await collection.stop_optimising()
        # The engine takes its time to close a shard, and nobody need wait for that.
        discarding = asyncio.create_task(asyncio.to_thread(_discard, collection, trash))
        self._discarding.add(discarding)
        discarding.add_done_callback(self._discarding.discard)
        return True

    def change_aliases(self, actions: list[models.AliasOperations]) -> None:
        """All of the actions, in order, or none of them."""
        changed = dict(self.aliases)
        for action in actions:
            match action:
                case models.CreateAliasOperation(create_alias=given):
                    _check_name(given.alias_name)
                    if given.collection_name not in self.collections:
                        raise not_found(f"Collection `{given.collection_name}` doesn't exist!")
                    self._check_free(given.alias_name)
                    changed[given.alias_name] = given.collection_name
                case models.DeleteAliasOperation(delete_alias=gone):
                    changed.pop(gone.alias_name, None)
                case models.RenameAliasOperation(rename_alias=renamed):
                    _check_name(renamed.new_alias_name)
                    if renamed.old_alias_name not in changed:
                        raise not_found(f"Alias {renamed.old_alias_name} does not exists!")
                    self._check_free(renamed.new_alias_name)
                    changed[renamed.new_alias_name] = changed.pop(renamed.old_alias_name)
        durable.write_json(self._aliases_file, changed)
        self.aliases = changed

    def aliases_of(self, name: str) -> Mapping[str, str]:
        target = self.collection(name).name
        return {alias: of for alias, of in self.aliases.items() if of == target}

    def _check_free(self, alias: str) -> None:
        if alias in self.collections:
            raise RefusedError(409, f"Wrong input: Collection `{alias}` already exists!")

    @property
    def optimising(self) -> bool:
        return any(one.optimising for one in self.collections.values())

    async def _keep_up(self) -> None:
        """Flush what was written, and optimise one collection at a time."""
        while True:
            await asyncio.sleep(UPKEEP_SECONDS)
            for collection in list(self.collections.values()):
                try:
                    collection.flush_if_due()
                    if not self.optimising and collection.wants_optimising():
                        collection.start_optimising()
                except Exception:
                    log.exception("upkeep of %s failed", collection.name)

    async def close(self) -> None:
        self._upkeep.cancel()
        await asyncio.gather(*self._discarding, return_exceptions=True)
        for collection in self.collections.values():
            await collection.close()


def _discard(collection: Collection, trash: Path) -> None:
    try:
        collection.shard.close()
    except Exception:  # its files go all the same
        log.exception("closing the deleted %s failed", collection.name)
    shutil.rmtree(trash)


def _check_name(name: str) -> None:
    if not 1 <= len(name.encode()) <= MAX_NAME:
        raise bad_request(f"a collection's name has between 1 and {MAX_NAME} bytes")
    if any(character in '/\\:*?"<>|' or character < " " for character in name):
        raise bad_request(f'the name {name!r} has a character that is not allowed: / \\ : * ? " < > | or a control one')
