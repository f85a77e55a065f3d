"""Where results are sent to whoever asked (``rpc://``): which messages say whom that is."""

from collections.abc import Iterator

import pytest

from sedano import Sedano, Task, chain, ids
from sedano.brokers.publication import Publication
from sedano.errors import NotSupported
from sedano.message.decoding import decode


@pytest.fixture
def app() -> Iterator[Sedano]:
    with Sedano("proj", broker="amqp://localhost//", backend="rpc://", set_as_current=False) as app:
        yield app


@pytest.fixture
def add(app: Sedano) -> Task[[int, int], int]:
    @app.task(name="proj.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def asked_by(publication: Publication) -> str | None:
    return publication.envelope.reply_to


def test_a_call_says_who_asks(app: Sedano, add: Task[[int, int], int]) -> None:
    with app.publisher.collect() as published:
        add.delay(1, 2)
        app.send_task("elsewhere.add", (1, 2))
        add.apply_async((1, 2), reply_to="somebody")

    assert [asked_by(one) for one in published] == [ids.reply_address(), ids.reply_address(), "somebody"]


def test_a_call_whose_result_is_ignored_asks_for_nothing(app: Sedano, add: Task[[int, int], int]) -> None:
    with app.publisher.collect() as published:
        add.apply_async((1, 2), ignore_result=True)

    assert asked_by(published[0]) is None
    assert not app.publisher.expects_replies(published)


def test_every_step_of_a_chain_says_it(app: Sedano, add: Task[[int, int], int]) -> None:
    with app.publisher.collect() as published:
        chain(add.s(1, 2), add.s(3), add.s(4), app=app).apply_async()

    [first] = published
    message = decode(first.envelope, accept={"json"})
    assert asked_by(first) == ids.reply_address()
    assert [step["options"]["reply_to"] for step in message.chain or ()] == [ids.reply_address()] * 2


def test_whoever_publishes_listens_first(app: Sedano, add: Task[[int, int], int]) -> None:
    with app.publisher.collect() as published:
        add.delay(1, 2)

    assert app.publisher.expects_replies(published)


def test_where_results_are_kept_nobody_is_named() -> None:
    app = Sedano("proj", broker="amqp://localhost//", backend="memory://", set_as_current=False)
    with app.publisher.collect() as published:
        app.send_task("proj.add", (1, 2))

    assert asked_by(published[0]) is None


@pytest.mark.parametrize("broker", ["redis://localhost/0", "memory://", "sqlite:///a.db"])
def test_it_is_refused_where_the_broker_is_another(broker: str) -> None:
    app = Sedano("proj", broker=broker, backend="rpc://", set_as_current=False)

    with pytest.raises(NotSupported, match="rpc:// sends results through RabbitMQ"):
        app.send_task("proj.add", (1, 2))


@pytest.mark.parametrize(
    ("broker", "backend", "url"),
    [
        ("amqp://a//", "rpc://", "rpc+amqp://a//"),
        ("amqps://a//;amqps://b//", "rpc", "rpc+amqps://a//;amqps://b//"),
        ("amqp://a//", "rpc://user@b/other", "rpc+amqp://user@b/other"),
        ("amqp://a//", "rpc+amqps://b//", "rpc+amqps://b//"),
    ],
)
def test_replies_go_through_the_broker_unless_a_server_is_named(broker: str, backend: str, url: str) -> None:
    assert Sedano("proj", broker=broker, backend=backend, set_as_current=False).result_url == url
