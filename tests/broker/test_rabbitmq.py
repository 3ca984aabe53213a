"""What only RabbitMQ has: flags of queues, several servers, passwords, threads."""
import logging
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pika
import pytest

from servicex.backends.broker.base import QueueGone, work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from servicex.backends.broker.rabbitmq_connection import split_urls
from servicex.errors import Unavailable
from servicex.settings import InvalidSettings
from tests.broker.messages import work
from tests.private_rabbitmq import free_port


@pytest.fixture
def queue(rabbitmq_broker: RabbitMqBroker) -> Iterator[str]:
    name = work_queue(str(uuid.uuid4()))
    yield name
    rabbitmq_broker.delete(name)


def nowhere() -> str:
    return f"amqp://user:s3cret@127.0.0.1:{free_port()}/%2F"


def test_work_queue_is_as_the_transformers_declare_it(rabbitmq_broker: RabbitMqBroker, rabbitmq_url: str,
                                                      queue: str) -> None:
    rabbitmq_broker.declare(queue)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().queue_declare(queue, durable=False, auto_delete=True)


def test_lookup_queue_is_as_celery_declares_it_and_keeps_lookups(rabbitmq_broker: RabbitMqBroker,
                                                                 rabbitmq_url: str) -> None:
    scheme = f"s{uuid.uuid4().hex}"
    name = f"did_finder_{scheme}"
    rabbitmq_broker.publish_lookup(scheme, "a", 1, "http://servicex/")
    rabbitmq_broker.publish_lookup(scheme, "b", 2, "http://servicex/")
    assert rabbitmq_broker.depth(name) == 2
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        channel = connection.channel()
        channel.queue_declare(name, durable=True)
        channel.exchange_declare(name, exchange_type="direct", durable=True)
        channel.basic_publish(name, name, b"", mandatory=True)
        channel.exchange_delete(name)
    rabbitmq_broker.delete(name)


def test_queue_with_other_flags_is_refused_in_words(rabbitmq_broker: RabbitMqBroker, rabbitmq_url: str,
                                                    queue: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().queue_declare(queue, durable=True)
    with pytest.raises(Unavailable, match="inequivalent arg"):
        rabbitmq_broker.declare(queue)


def test_deletion_ends_consumers_that_are_no_workers(rabbitmq_broker: RabbitMqBroker, rabbitmq_url: str,
                                                     queue: str) -> None:
    rabbitmq_broker.declare(queue)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().basic_consume(queue, lambda *_: None)
        state = rabbitmq_broker.state(queue)
        assert state is not None and state.consumers == 1
        rabbitmq_broker.delete(queue)
        assert rabbitmq_broker.state(queue) is None


def test_names_of_all_the_world_are_published(rabbitmq_broker: RabbitMqBroker, queue: str) -> None:
    rabbitmq_broker.declare(queue)
    rabbitmq_broker.publish(queue, [replace(work(1), paths=("/\ud800größe\0\n", "/" + "é" * 300_000))])
    assert rabbitmq_broker.depth(queue) == 1


def test_threads_share_the_broker_and_lose_nothing(rabbitmq_broker: RabbitMqBroker, queue: str) -> None:
    rabbitmq_broker.declare(queue)
    gone: list[str] = []

    def publish() -> None:
        for _ in range(5):
            rabbitmq_broker.publish(queue, [work(n) for n in range(1, 101)])
            try:
                rabbitmq_broker.publish(queue + "-none", [work(1)])
            except QueueGone as error:
                gone.append(str(error))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert rabbitmq_broker.depth(queue) == 2000
    assert gone == [queue + "-none"] * 20


@pytest.mark.parametrize("separator", [";", ",", "; "])
def test_urls_are_tried_in_turn(rabbitmq_url: str, separator: str) -> None:
    broker = RabbitMqBroker(separator.join([nowhere(), rabbitmq_url]))
    broker.ping()
    broker.close()


def test_urls_are_split_between_urls_only() -> None:
    assert split_urls("amqp://u:a;b,c@one;amqps://two") == ["amqp://u:a;b,c@one", "amqps://two"]
    assert split_urls(["amqp://one"]) == ["amqp://one"]


@pytest.mark.parametrize("url", [
    "", [], "http://u:s3cret@here", "amqp://u:s3cret@here:port/", "amqp://u:s3cret@[here/"])
def test_unfit_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        RabbitMqBroker(url)
    assert "s3cret" not in str(refused.value) and "RABBIT_MQ_URL" in str(refused.value)


def test_no_password_is_told(rabbitmq_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = rabbitmq_url.split("@")[1]
    for url, words in ((nowhere(), "refused"), (f"amqp://tester:s3cret@{wrong}", "ACCESS_REFUSED"),
                       (rabbitmq_url.replace("%2F", "nowhere"), "not found")):
        with pytest.raises(Unavailable, match=words) as away:
            RabbitMqBroker(url).ping()
        assert "s3cret" not in str(away.value)
    assert "127.0.0.1" in caplog.text
    assert "s3cret" not in caplog.text and rabbitmq_url.split(":")[2].split("@")[0] not in caplog.text


def test_closed_broker_may_be_used_again(rabbitmq_broker: RabbitMqBroker) -> None:
    rabbitmq_broker.ping()
    rabbitmq_broker.close()
    ends = [thread for thread in threading.enumerate() if thread.name == "rabbitmq"]
    rabbitmq_broker.ping()
    for thread in ends:
        thread.join(30)
    assert ends and not any(thread.is_alive() for thread in ends)
