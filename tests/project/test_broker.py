"""A worker has its hand free again, whatever became of an acknowledgement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

redis = pytest.importorskip("redis")

from kombu.transport import redis as transport  # noqa: E402  (an extra)

from vetrina import broker  # noqa: E402
from vetrina.celery import app  # noqa: E402


class SilentChannel:
    """The part of a channel that an acknowledgement needs, over a Redis that does not answer."""

    unacked_key, unacked_index_key, do_restore = "unacked", "unacked_index", False

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        raise redis.exceptions.TimeoutError("Timeout reading from socket")
        yield


@pytest.mark.parametrize("end", [lambda qos: qos.ack("tag"), lambda qos: qos.reject("tag", requeue=True)])
def test_a_worker_takes_the_next_message_after_an_acknowledgement_without_answer(end: Any) -> None:
    qos = broker.QoS(SilentChannel(), prefetch_count=1)
    qos._quick_append("tag", "a message")
    assert not qos.can_consume()
    with pytest.raises(redis.exceptions.TimeoutError):
        end(qos)
    assert qos.can_consume()


def test_connections_of_the_application_are_of_that_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport.Channel, "QoS", transport.QoS)
    broker.install()
    with app.connection_for_write("redis://127.0.0.1:1/0") as connection:
        assert connection.transport.Channel.QoS is broker.QoS
