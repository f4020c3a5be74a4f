"""A broker that is away or keeps silent costs who sends a message a short while once, and is never an error."""

import socket
from collections.abc import Iterator

import pytest
from celery import Celery

from catalog import messages

pytestmark = pytest.mark.parts


def silent() -> socket.socket:
    """Takes connections and never answers."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=50)
    return listening


@pytest.fixture(params=["redis", "amqp"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The tasks that were really sent for, to a broker that keeps silent."""
    monkeypatch.undo()  # the folder's own double of `send_task`
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # which Celery would prefer to its argument
    names: list[str] = []
    with silent() as listening:
        app = Celery("test", broker=f"{request.param}://127.0.0.1:{listening.getsockname()[1]}//", set_as_current=False)
        quick = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2, "read_timeout": 0.2, "write_timeout": 0.2}
        app.conf.broker_transport_options = quick if request.param == "amqp" else dict(list(quick.items())[:2])
        app.conf.broker_connection_timeout = 0.2

        class Counting:
            @staticmethod
            def send_task(name: str, **options: object) -> None:
                names.append(name)
                app.send_task(name, **options)

        monkeypatch.setattr(messages, "current_app", Counting)
        yield names
        app.close()


@pytest.mark.slow
def test_a_silent_broker_is_no_error_and_soon_not_asked(broker: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert [messages.send("workers.tasks.drain_outbox") for _ in range(50)] == [False] * 50
    assert len(broker) == messages.FAILURES
    assert "the schedule will" in caplog.text


@pytest.mark.slow
def test_it_is_asked_again_after_a_while(broker: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        messages.send("a")
    monkeypatch.setattr(messages._breaker, "_rest", 0.0)
    assert not messages.send("b")
    monkeypatch.setattr(messages.current_app, "send_task", lambda name, **options: None)
    assert messages.send("c")
    assert messages.send("d")
