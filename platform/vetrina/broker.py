"""Celery's way to Redis, whose workers go on after an acknowledgement that Redis did not answer."""

from typing import Any

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """What a worker has taken and not finished, in Redis and in its own memory.

    kombu logs an acknowledgement that failed and goes on. But it takes the message out of its own memory only after
    Redis has answered, so that one time-out leaves a worker that takes one message at a time with no hand free, until
    it is started anew. What is left in Redis comes again after the visibility time-out, which every task bears.
    """

    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue)
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    """For every connection of this process to a Redis, with or without TLS or sentinels."""
    redis.Channel.QoS = QoS
