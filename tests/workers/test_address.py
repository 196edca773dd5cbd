"""The broker's address: the password is put in where it belongs, and stays out of everything that is shown."""

import pytest

from ill_workflow.config import Settings, read_settings
from ill_workflow.errors import BadInput
from workers.address import address_of, shown
from workers.broker import app_of

SECRET = "na/me@:1"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://valkey:6379/0", "redis://:na%2Fme%40%3A1@valkey:6379/0"),
        ("amqp://ill@rabbit:5672//", "amqp://ill:na%2Fme%40%3A1@rabbit:5672//"),
        ("redis://:other@valkey:6379/0", "redis://:other@valkey:6379/0"),
        ("sentinel://a:1/0;sentinel://b:2/0", "sentinel://:na%2Fme%40%3A1@a:1/0;sentinel://:na%2Fme%40%3A1@b:2/0"),
        ("redis+socket:///data/broker.sock?virtual_host=0", "redis+socket:///data/broker.sock?virtual_host=0"),
    ],
)
def test_the_password_is_put_in(url, address):
    assert address_of(Settings(broker_url=url, broker_password=SECRET)) == address


@pytest.mark.parametrize("url", ["redis://valkey:6379/0", "amqp://rabbit//", "sentinel://a:1/0;sentinel://b:2/0"])
def test_a_broker_on_the_network_without_a_password_is_refused(url):
    with pytest.raises(BadInput, match="ILL_BROKER_PASSWORD") as refused:
        address_of(Settings(broker_url=url))
    assert refused.value.field == "ILL_BROKER_PASSWORD"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "redis://localhost/0", "redis://[::1]:6379/0"])
def test_on_this_machine_none_is_needed(url):
    assert address_of(Settings(broker_url=url)) == url


@pytest.mark.parametrize(
    "url", ["kafka://:Zauberberg@x", "redis://:Zauber/berg@x:y/0", "Zauberberg", "amqp://", "redis://x:Zauberberg"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url):
    with pytest.raises(BadInput) as refused:
        address_of(Settings(broker_url=url))
    assert refused.value.field == "ILL_BROKER_URL"
    assert "Zauber" not in refused.value.message


def test_what_is_shown_holds_no_password():
    url = "sentinel://:na%2Fme@a:1/0;sentinel://ill:na%2Fme@b:2/0"
    assert shown(url) == "sentinel://:***@a:1/0;sentinel://ill:***@b:2/0"
    assert shown("redis://valkey:6379/0") == "redis://valkey:6379/0"


def test_settings_do_not_show_what_is_secret(monkeypatch):
    for name in ("BROKER_PASSWORD", "SENTINEL_PASSWORD", "SMTP_PASSWORD", "FLOWER_LOGIN"):
        monkeypatch.setenv(f"ILL_{name}", "Zauberberg")
    monkeypatch.setenv("ILL_BROKER_URL", "redis://:Zauberberg@x/0")
    monkeypatch.setenv("ILL_DATABASE_URL", "postgresql+psycopg://ill:Zauberberg@x/ill")
    assert "Zauberberg" not in repr(read_settings())


@pytest.mark.parametrize("url", ["redis://a:1/0", "amqp://ill@a:1//", "sentinel://a:1/0;sentinel://b:2/0"])
def test_what_a_worker_tells_of_its_settings_holds_no_password(url):
    """Flower's page of a worker and `celery inspect conf` show this."""
    app = app_of(Settings(broker_url=url, broker_password="Zauberberg", sentinel_password="Zauberberg"))
    told = str(app.conf.table(with_defaults=True, censored=True))
    app.close()
    assert "Zauberberg" not in told
