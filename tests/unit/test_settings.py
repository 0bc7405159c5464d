"""Where settings come from, what wins, and what is said about those that can't be."""

import os
from pathlib import Path

import pytest

from serve.gateways.registry import methods_of
from serve.resolving import SettingsError, resolve
from serve.settings import MASK, Settings, display


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No file, no variable: what the tests' own machine happens to have must not matter."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.startswith("DOORBUSTER_"):
            monkeypatch.delenv(variable)


def test_defaults_make_a_shop_on_this_machine_only(tmp_path: Path) -> None:
    settings, origins, warnings = resolve({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.data == tmp_path / "var"
    assert settings.journal == f"sqlite:///{tmp_path}/var/journal"
    assert (settings.placement, settings.hosts, settings.replicas) == ("replica", 0, 1)
    assert (origins["port"], origins["data"], origins["journal"]) == ("default", "default", "derived")
    assert warnings == ()


def test_a_flag_comes_before_the_environment_before_the_file_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "doorbuster.toml").write_text("port = 1000\nshards = 4\nsettle_wait_s = 2.5\n")
    monkeypatch.setenv("DOORBUSTER_PORT", "2000")
    monkeypatch.setenv("DOORBUSTER_SHARDS", "8")
    settings, origins, _ = resolve({"port": 3000})
    assert (settings.port, settings.shards, settings.settle_wait_s) == (3000, 8, 2.5)
    assert origins["port"] == "flag"
    assert origins["shards"] == "environment"
    assert origins["settle_wait_s"] == "doorbuster.toml"
    assert origins["host"] == "default"


def test_another_file_can_be_named_by_flag_or_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    named.write_text("port = 1234\n")
    assert resolve({}, named).settings.port == 1234
    monkeypatch.setenv("DOORBUSTER_CONFIG", str(named))
    assert resolve({}).settings.port == 1234


def test_settings_survive_the_way_to_another_process_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = resolve({"port": "9000", "hosts": "2", "replicas": "2"}).settings
    monkeypatch.setenv("DOORBUSTER_PORT", "1")
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_host_actors_are_asked_for_by_their_number_or_by_the_placement() -> None:
    assert resolve({"hosts": 3}).settings.placement == "actors"
    assert resolve({"placement": "actors"}).settings.hosts == (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"port": "70000"}, "port: Input should be less than or equal to 65535 (from flag)"),
        ({"port": "http"}, "port: Input should be a valid integer"),
        ({"replicas": 2}, "add --hosts N"),
        ({"placement": "replica", "hosts": 2}, "host actors need placement actors"),
        ({"host": "http://shop"}, "must be a host name or an address"),
        ({"shards": 0}, "shards: Input should be greater than or equal to 1"),
        ({"application": "shop"}, "application: String should match"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_it_may_be(flags: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve(flags)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("prot = 8000", "prot: there is no such setting; did you mean port?"),
        ("port = = 1", "not readable as TOML"),
        ("port = 'x'", "(from doorbuster.toml)"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "doorbuster.toml").write_text(toml)
    with pytest.raises(SettingsError) as refused:
        resolve({})
    assert said in str(refused.value)


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        resolve({}, tmp_path / "nowhere.toml")


def test_a_misspelt_variable_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORBUSTER_SHARD", "8")
    assert resolve({}).warnings == ("DOORBUSTER_SHARD is no setting; did you mean shards?",)


def test_a_password_in_a_url_is_masked() -> None:
    settings = resolve({"journal": "rediss://shop:hunter2@db.example:6379/0"}).settings
    assert display(settings, "journal") == f"rediss://shop:{MASK}@db.example:6379/0"


STRIPE = {"stripe_secret_key": "sk_test_1", "stripe_webhook_secret": "whsec_1"}
PAYPAL = {"paypal_client_id": "shop", "paypal_client_secret": "hunter2", "paypal_webhook_id": "WH-1"}


def test_a_provider_is_there_when_its_secrets_are_and_then_the_sandbox_is_not() -> None:
    assert methods_of(resolve({}).settings) == ("sandbox",)
    assert methods_of(resolve(STRIPE).settings) == ("stripe",)
    assert methods_of(resolve({**STRIPE, **PAYPAL, "sandbox_payments": True}).settings) == (
        "sandbox",
        "stripe",
        "paypal",
    )


def test_secrets_travel_to_other_processes_and_are_never_shown() -> None:
    settings = resolve({**STRIPE, **PAYPAL}).settings
    again = Settings.model_validate_json(settings.model_dump_json())
    assert again == settings
    assert again.stripe_secret_key.get_secret_value() == "sk_test_1"
    for name in ("stripe_secret_key", "stripe_webhook_secret", "paypal_client_secret"):
        assert display(settings, name) == MASK
    assert "hunter2" not in repr(settings)
    assert display(resolve({}).settings, "stripe_secret_key") == ""


@pytest.mark.parametrize("missing", ["stripe_webhook_secret", "paypal_client_id", "paypal_webhook_id"])
def test_a_provider_whose_webhooks_could_not_be_verified_is_refused(missing: str) -> None:
    given = {name: value for name, value in {**STRIPE, **PAYPAL}.items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        resolve(given)


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("shop.lan", "http://shop.lan:80")],
)
def test_the_url_is_one_that_a_client_here_can_use(host: str, url: str) -> None:
    assert resolve({"host": host, "port": 80}).settings.url == url
