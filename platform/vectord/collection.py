"""One collection: its directory, its shard, and the exchange of the shard for an optimised copy.

Everything here runs on the event loop's one thread. The engine's binding holds the interpreter lock during each call,
so that threads would buy nothing; one thread makes every call atomic and every answer a consistent one.

    collections/<uid>/
        meta.json    name, configuration and payload indexes as the caller gave them
        state.json   which shard directory is the live one, and how much was written since it was optimised
        shard-<n>/   the engine's files
"""

import asyncio
import logging
import os
import shutil
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import qdrant_edge as edge
from qdrant_client import models

from vectord import durable, schema
from vectord.errors import engine_errors, not_found

log = logging.getLogger("vectord")

SETTLED_SECONDS = 2.0  # without a write, before an optimisation is worth its copy
FLUSH_SECONDS = 5.0
MIN_CHANGES = 1_000  # fewer points are scanned as fast as an index is walked
BUSY_CHANGES = 20_000  # optimise without waiting for calm
MAX_JOURNAL_POINTS = 50_000  # kept in memory while an optimisation runs: about 2 kB each
REPLAY_FLUSH_POINTS = 4_000
REPLAY_SLICE_SECONDS = 0.02  # between two turns of the event loop


class Collection:
    def __init__(self, directory: Path) -> None:
        meta = orjson.loads((directory / "meta.json").read_bytes())
        state = orjson.loads((directory / "state.json").read_bytes())
        self.directory = directory
        self.name: str = meta["name"]
        self.config = models.CreateCollection.model_validate(meta["config"])
        self.indexes: dict[str, Any] = meta["indexes"]
        self.schema = schema.VectorSchema(self.config)
        self.optimising: asyncio.Task[None] | None = None
        self.optimiser_error: str | None = None
        self.deleted = False
        self.writable = asyncio.Event()
        self.writable.set()
        self.changes: int = state["changes"]  # points written or deleted since the last optimisation
        self._live: str = state["shard"]
        self._operations: int = state["operations"]
        self._journal: list[tuple[edge.UpdateOperation, int]] | None = None
        self._journalled = 0
        self._wait_for_calm = False
        self._dirty_since: float | None = None
        self._written_at = 0.0
        for leftover in directory.glob("shard-*"):
            if leftover.name != self._live:
                shutil.rmtree(leftover)
        self.shard = edge.EdgeShard.load(str(directory / self._live), schema.engine_config(self.config))

    @classmethod
    def create(cls, collections: Path, name: str, config: models.CreateCollection) -> "Collection":
        """Made beside and renamed into place: a collection exists wholly or not at all."""
        uid = uuid.uuid4().hex
        unfinished = collections / f".new-{uid}"
        unfinished.mkdir(mode=0o700)
        try:
            edge.EdgeShard.create(str(unfinished / "shard-0"), schema.engine_config(config)).close()
            given = config.model_dump(mode="json", exclude_none=True)
            durable.write_json(unfinished / "state.json", {"shard": "shard-0", "changes": 0, "operations": 0})
            durable.write_json(unfinished / "meta.json", {"name": name, "config": given, "indexes": {}})
            durable.rename(unfinished, collections / uid)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return cls(collections / uid)

    # Writing

    async def apply(self, *operations: tuple[edge.UpdateOperation, int]) -> int:
        """Carry out operations, each with about how many points it touches. Returns the last operation's number.

        Waits while the shard is being copied (a fraction of a second). What returned has reached the write-ahead log.
        """
        await self.writable.wait()
        if self.deleted:
            raise not_found(f"Collection `{self.name}` doesn't exist!")
        for operation, touched in operations:
            self._dirty_since = self._dirty_since or time.monotonic()
            self._written_at = time.monotonic()
            self._operations += 1
            self.changes += touched
            if self._journal is not None:
                self._journal.append((operation, touched))
                self._journalled += touched
                if self._journalled > MAX_JOURNAL_POINTS:
                    self._give_up_optimising()
            with engine_errors():
                self.shard.update(operation)
        return self._operations

    async def create_index(self, field: str, given: models.PayloadFieldSchema) -> int:
        number = await self.apply((edge.UpdateOperation.create_field_index(field, schema.engine_index(given)), 0))
        if isinstance(given, models.PayloadSchemaType):
            self.indexes[field] = given.value
        else:
            self.indexes[field] = given.model_dump(mode="json", exclude_none=True)
        self._write_meta()
        return number

    async def delete_index(self, field: str) -> int:
        number = await self.apply((edge.UpdateOperation.delete_field_index(field), 0))
        if self.indexes.pop(field, None) is not None:
            self._write_meta()
        return number

    def reconfigure(self, change: models.UpdateCollection) -> None:
        """Takes effect for the engine with the next optimisation or start; shown at once."""
        changed = schema.changed_config(self.config, change)
        schema.engine_config(changed)
        self.config = changed
        self._write_meta()

    def _write_meta(self) -> None:
        given = self.config.model_dump(mode="json", exclude_none=True)
        meta = {"name": self.name, "config": given, "indexes": self.indexes}
        durable.write_json(self.directory / "meta.json", meta)

    def _write_state(self) -> None:
        state = {"shard": self._live, "changes": self.changes, "operations": self._operations}
        durable.write_json(self.directory / "state.json", state)

    # Reading

    def count(self, only: edge.Filter | None = None) -> int:
        with engine_errors():
            return self.shard.count(edge.CountRequest(exact=True, filter=only))

    def info(self) -> dict[str, Any]:
        """`CollectionInfo` of the REST description."""
        shard = self.shard.info()
        indexes = {}
        for field, index in shard.payload_schema.items():
            indexes[field] = {"data_type": str(index.data_type).rpartition(".")[2].lower(), "points": index.points}
            if isinstance(self.indexes.get(field), dict):
                indexes[field]["params"] = self.indexes[field]
        return {
            "status": "yellow" if self.optimising else "green",
            "optimizer_status": {"error": self.optimiser_error} if self.optimiser_error else "ok",
            "indexed_vectors_count": shard.indexed_vectors_count,
            "points_count": self.count(),
            "segments_count": shard.segments_count,
            "config": schema.shown_config(self.config),
            "payload_schema": indexes,
        }

    # Upkeep

    def flush_if_due(self) -> None:
        if self._dirty_since is not None:
            now = time.monotonic()
            if now - self._written_at > SETTLED_SECONDS / 2 or now - self._dirty_since > FLUSH_SECONDS:
                self.flush()

    def flush(self) -> None:
        self._dirty_since = None
        with engine_errors():
            self.shard.flush()
        self._write_state()

    def wants_optimising(self) -> bool:
        """Enough was written since the last time, and the writer has paused or written so much that it matters."""
        points = self.shard.info().points_count
        given = self.config.optimizers_config.indexing_threshold if self.config.optimizers_config else None
        threshold = schema.INDEXING_THRESHOLD if given is None else given  # 0 switches it off, as in Qdrant
        kilobytes = points * sum(one.size for one in self.schema.dense.values()) * 4 / 1024
        if threshold == 0 or kilobytes < threshold / 2:
            return False
        if time.monotonic() - self._written_at > SETTLED_SECONDS:
            return self.changes >= max(MIN_CHANGES, points // 5)
        return not self._wait_for_calm and self.changes >= max(BUSY_CHANGES, points // 2)

    async def optimise(self) -> None:
        """Index a copy of the shard in another process, bring it up to date and put it in the shard's place.

        Queries go on all the time. Writes wait for the copying only: those that come later go to the live shard and
        to a journal, which is replayed onto the copy before the exchange.
        """
        number = int(self._live.rpartition("-")[2]) + 1
        target = self.directory / f"shard-{number}"
        before = self.changes
        try:
            await self._copy_to(target)
            await self._run(sys.executable, "-m", "vectord.optimise", str(target), str(os.getpid()))
            fresh = edge.EdgeShard.load(str(target), schema.engine_config(self.config))
            written = await self._replay_onto(fresh)
        except BaseException:
            self._journal = None
            shutil.rmtree(target, ignore_errors=True)
            raise
        # From here to the end nothing waits: no write can come between the last replayed one and the exchange.
        fresh.flush()
        retired, self.shard = self.shard, fresh
        retired_directory, self._live = self.directory / self._live, target.name
        self.changes = written
        self._journal = None
        self._wait_for_calm = False
        self._write_state()
        retired.close()
        log.info("optimised %s: %d changes, %d written meanwhile", self.name, before, written)
        await asyncio.to_thread(shutil.rmtree, retired_directory)

    async def _copy_to(self, target: Path) -> None:
        self.writable.clear()
        try:
            self.flush()
            self._journal, self._journalled = [], 0
            # cp keeps holes, which the engine's preallocated files mostly are, and shares blocks where it can.
            options = ("-R", "--sparse=always", "--reflink=auto")
            await self._run("cp", *options, str(self.directory / self._live), str(target))
        finally:
            self.writable.set()

    async def _run(self, *command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        )
        try:
            _, errors = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):  # it has just ended by itself
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            last = errors.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise RuntimeError(f"{Path(command[0]).name} failed: {last[0]}")

    async def _replay_onto(self, fresh: edge.EdgeShard) -> int:
        """Apply what was written since the copy, in order. Returns how many points that touched."""
        journal = self._journal
        assert journal is not None  # noqa: S101  (asked before)
        done = touched = unflushed = 0
        slice_ends = time.monotonic() + REPLAY_SLICE_SECONDS
        while done < len(journal):
            operation, points = journal[done]
            try:
                fresh.update(operation)
            except Exception as error:
                # It failed on the live shard too, with the same partial effect, and its caller was told.
                log.debug("replayed a refused operation on %s: %s", self.name, error)
            done += 1
            touched += points
            unflushed += points
            if unflushed > REPLAY_FLUSH_POINTS:  # many short flushes hold up queries less than a long one at the end
                fresh.flush()
                unflushed = 0
            if time.monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + REPLAY_SLICE_SECONDS
        return touched

    def start_optimising(self) -> None:
        async def run() -> None:
            try:
                await self.optimise()
                self.optimiser_error = None
            except Exception as error:
                # The live shard is whole and answers on, slower: wait for as many changes again before the next try.
                self.optimiser_error = str(error)
                self.changes = 0
                log.exception("optimising %s failed", self.name)
            finally:
                self.optimising = None

        self.optimising = asyncio.get_running_loop().create_task(run())

    def _give_up_optimising(self) -> None:
        """Writes come faster than an optimisation ends: drop the copy and try again when they pause."""
        log.info("optimising %s is put off until its writer pauses", self.name)
        self._journal = None
        self._wait_for_calm = True
        if self.optimising is not None:
            self.optimising.cancel()

    async def stop_optimising(self) -> None:
        if self.optimising is not None:
            self.optimising.cancel()
            await asyncio.gather(self.optimising, return_exceptions=True)

    async def close(self) -> None:
        await self.stop_optimising()
        self.flush()
        self.shard.close()
