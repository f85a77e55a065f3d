"""From URLs to brokers and result stores."""

from pathlib import Path

import pytest

from sedano.brokers.opening import open_broker
from sedano.errors import ConfigurationError, NotSupported
from sedano.loading import load_adapter
from sedano.results.opening import open_result_store


def test_a_sqlite_url_opens_broker_and_store_at_one_location(tmp_path: Path) -> None:
    broker = open_broker("sqlite:///sedano.db", base_dir=tmp_path)
    results = open_result_store("sqlite:///sedano.db", base_dir=tmp_path)

    assert broker.location == results.location == f"sqlite:{tmp_path.resolve()}/sedano.db"
    assert results.joint_with(broker.location) is not None


def test_opening_makes_no_file(tmp_path: Path) -> None:
    open_broker("sqlite:///sedano.db", base_dir=tmp_path)
    open_result_store("sqlite:///sedano.db", base_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_stores_of_other_files_are_not_joint(tmp_path: Path) -> None:
    broker = open_broker("sqlite:///queue.db", base_dir=tmp_path)
    results = open_result_store("sqlite:///results.db", base_dir=tmp_path)

    assert results.joint_with(broker.location) is None


def test_each_memory_broker_is_its_own() -> None:
    one, other = open_broker("memory://"), open_broker("memory://")

    assert one is not other
    assert open_result_store("memory://").joint_with(one.location) is not None


@pytest.mark.parametrize(
    "url", ["mongodb://u:secret@host/0", "consul://u:secret@host//", "postgresql://u:secret@h/d"]
)
def test_a_server_of_a_later_version_is_refused_without_showing_its_password(url: str) -> None:
    for opening in (open_broker, open_result_store):
        with pytest.raises(NotSupported, match="not in this version") as caught:
            opening(url)
        assert "secret" not in str(caught.value)


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"'sqllite'. Did you mean 'sqlite'\? Known ones: amqp, amqps, django"
    ):
        open_broker("sqllite:///x.db")
    with pytest.raises(ConfigurationError, match="result_backend: there is no result store for 'smoke'"):
        open_result_store("smoke://")


@pytest.mark.parametrize("url", ["", "sedano.db", "user:secret@host-with-a-long-name"])
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a URL such as sqlite:///sedano\.db") as caught:
        open_broker(url)
    assert "secret" not in str(caught.value)


def test_options_that_a_broker_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no option 'visibility_timeout'"):
        open_broker("sqlite:///x.db", options={"visibility_timeout": 3600}, base_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="no options; it got a"):
        open_broker("memory://", options={"a": 1})


@pytest.mark.parametrize(("driver", "extra"), [("redis", "redis"), ("amqp", "rabbitmq")])
def test_a_driver_that_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, extra: str
) -> None:
    (tmp_path / f"adapter_without_{driver}.py").write_text(f"import {driver}.does_not_exist\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ConfigurationError, match=rf"pip install 'sedano\[{extra}\]'"):
        load_adapter(f"adapter_without_{driver}:Broker")
