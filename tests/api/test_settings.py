from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import KeyStoreKind, ParentPolicy, Profile, Settings, TimeStampPolicy
from tests.simulators.witness import SimulatedWitness

VAULT = {"SIGILLO_VAULT_URL": "https://vault.example", "SIGILLO_VAULT_TOKEN": "s.token"}
DATABASE = {"SIGILLO_DATABASE": "sqlite:////var/lib/sigillo.db"}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:

    for name in [name for name in os.environ if name.startswith("SIGILLO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_defaults_are_the_embedded_profile_and_touch_nothing(tmp_path: Path) -> None:
    settings = Settings()
    assert (settings.profile, settings.keys) == (Profile.EMBEDDED, KeyStoreKind.EMBEDDED)
    assert settings.home == tmp_path / ".sigillo"
    assert settings.database_url == f"sqlite:///{tmp_path}/.sigillo/sigillo.db"
    assert (settings.retention, settings.parent_policy) == (timedelta(days=7), ParentPolicy.RECORD)
    assert settings.host == "127.0.0.1"
    assert settings.trusted_proxies == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("profile", ["server", "cluster"])
def test_larger_profiles_refuse_embedded_keys(monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    with pytest.raises(ValidationError, match="embedded keys"):
        given(monkeypatch, SIGILLO_PROFILE=profile, SIGILLO_KEYS="embedded", **DATABASE)


def test_postgresql_is_named_and_its_password_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://sigillo:s3cret@db.example/sigillo"
    settings = given(monkeypatch, SIGILLO_DATABASE=url, SIGILLO_DATABASE_OWNER=url.replace("sigillo:", "owner:"))
    assert settings.database_url == url
    assert settings.on_postgresql
    assert "s3cret" not in repr(settings)
    with pytest.raises(ValidationError) as raised:
        given(monkeypatch, SIGILLO_DATABASE=url, SIGILLO_PORT="none")
    assert "s3cret" not in str(raised.value)
    with pytest.raises(ValidationError, match="goes with PostgreSQL"):
        given(monkeypatch, SIGILLO_DATABASE="sqlite:////x.db", SIGILLO_PORT="1")
    with pytest.raises(ValidationError, match="goes with PostgreSQL"):
        given(monkeypatch, SIGILLO_DATABASE=url, SIGILLO_DATABASE_OWNER="sqlite:////x.db")


@pytest.mark.parametrize("profile", ["server", "cluster"])
def test_larger_profiles_want_vault_and_a_named_database(monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    with pytest.raises(ValidationError, match="SIGILLO_VAULT_URL"):
        given(monkeypatch, SIGILLO_PROFILE=profile, **DATABASE)
    monkeypatch.delenv("SIGILLO_DATABASE")
    with pytest.raises(ValidationError, match="PostgreSQL"):
        given(monkeypatch, SIGILLO_PROFILE=profile, **VAULT)
    settings = given(monkeypatch, SIGILLO_PROFILE=profile, **VAULT, **DATABASE)
    assert settings.keys is KeyStoreKind.VAULT


@pytest.mark.parametrize("profile", ["server", "cluster"])
def test_larger_profiles_ask_nothing_of_this_machine_for_strangers(
    monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    assert given(monkeypatch, SIGILLO_FETCH_LOOPBACK="true").fetch_loopback
    with pytest.raises(ValidationError, match="SIGILLO_FETCH_LOOPBACK"):
        given(monkeypatch, SIGILLO_PROFILE=profile, SIGILLO_FETCH_LOOPBACK="true", **VAULT, **DATABASE)


def test_vault_keys_can_be_chosen_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="SIGILLO_VAULT_URL"):
        given(monkeypatch, SIGILLO_KEYS="vault")
    assert given(monkeypatch, SIGILLO_KEYS="vault", **VAULT).profile is Profile.EMBEDDED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile", "production"),
        ("keys", "file"),
        ("database", "mysql://localhost/sigillo"),
        ("database", "postgresql://me:s3cret@:nonsense/x"),
        ("port", "70000"),
        ("workers", "0"),
        ("worker_jobs", "0"),
        ("upload_bytes", "10"),
        ("upload_bytes", "536870913"),
        ("anonymous_rate", "sometimes"),
        ("key_rate", "-1/minute"),
        ("trusted_proxies", '["10.0.0.1/8"]'),
        ("trusted_proxies", "nonsense"),
        ("retention", "a week"),
        ("retention", "-P1D"),
        ("epoch_lifetime", "P20DT1S"),
        ("epoch_lifetime", "PT23H"),
        ("parent_policy", "shrug"),
        ("tsa_urls", '["tsa.example"]'),
        ("tsa_urls", '["ftp://tsa.example/"]'),
        ("tsa_urls", '["https://me:secret@tsa.example/"]'),
        ("tsa_urls", '["http:///path"]'),
        ("tsa_seconds", "0"),
        ("tsa_seconds", "61"),
        ("tsa_policy", "shrug"),
        ("revocation_lists", '["crl.example/ca.crl"]'),
        ("revocation_lists", '["https://me:secret@crl.example/"]'),
        ("revocation_lists", '["/1", "/2", "/3", "/4", "/5"]'),
        ("revocation_grace", "-P1D"),
        ("ocsp_url", "ldap://ocsp.example/"),
        ("ocsp_url", "http://me:secret@ocsp.example/"),
    ],
)
def test_wrong_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=name):
        given(monkeypatch, **{f"SIGILLO_{name.upper()}": value})


@pytest.mark.parametrize("profile", ["server", "cluster"])
@pytest.mark.parametrize("url", ["http://vault.example", "HTTP://10.0.0.5:8200", "http://127.0.0.1@vault.example"])
def test_vault_without_tls_is_refused_beyond_this_machine(
    monkeypatch: pytest.MonkeyPatch, profile: str, url: str
) -> None:
    remote = {**VAULT, **DATABASE, "SIGILLO_VAULT_URL": url}
    with pytest.raises(ValidationError, match="https://"):
        given(monkeypatch, SIGILLO_PROFILE=profile, **remote)
    assert given(monkeypatch, SIGILLO_PROFILE="embedded", SIGILLO_KEYS="vault", **remote).vault_in_clear


@pytest.mark.parametrize("url", ["http://127.0.0.1:8200", "http://localhost", "http://[::1]:8200", "https://10.0.0.5"])
def test_vault_on_this_machine_or_behind_tls_is_fine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    settings = given(monkeypatch, SIGILLO_PROFILE="server", **{**VAULT, **DATABASE, "SIGILLO_VAULT_URL": url})
    assert not settings.vault_in_clear


@pytest.mark.parametrize("url", ["vault.example:8200", "unix:///run/vault.sock", "https://", "ftp://vault.example"])
def test_vault_needs_an_address_that_is_one(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError, match="SIGILLO_VAULT_URL"):
        given(monkeypatch, SIGILLO_KEYS="vault", **{**VAULT, "SIGILLO_VAULT_URL": url})


def test_vault_wants_one_way_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = {"SIGILLO_KEYS": "vault", "SIGILLO_VAULT_URL": "https://vault.example"}
    with pytest.raises(ValidationError, match="one of the two"):
        given(monkeypatch, **vault)
    role = {"SIGILLO_VAULT_ROLE_ID": "role", "SIGILLO_VAULT_WRAPPED_SECRET_ID": "s.wrapped"}
    settings = given(monkeypatch, **vault, **role)
    assert "s.wrapped" not in repr(settings)
    with pytest.raises(ValidationError, match="one of the two"):
        given(monkeypatch, SIGILLO_VAULT_TOKEN="s.token")
    monkeypatch.delenv("SIGILLO_VAULT_TOKEN")
    with pytest.raises(ValidationError, match="not both"):
        given(monkeypatch, SIGILLO_VAULT_WRAPPED_SECRET_ID_FILE="/run/wrapped")


def test_empty_variables_count_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, SIGILLO_PROFILE="", SIGILLO_PORT="").port == 8080


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, SIGILLO_KEYS="vault", SIGILLO_PASSPHRASE="open sesame", **VAULT)
    assert "s.token" not in repr(settings)
    assert "sesame" not in repr(settings)
    assert "sesame" not in settings.model_dump_json()


def test_retention_is_an_iso_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, SIGILLO_RETENTION="P30D").retention == timedelta(days=30)


def test_authorities_are_asked_in_the_order_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    urls = ("https://second.example/tsr", "http://first.example")
    roots = {"SIGILLO_TSA_ANCHORS": str(tmp_path / "tsa.pem")}
    settings = given(monkeypatch, SIGILLO_TSA_URLS=json.dumps(urls), SIGILLO_TSA_SECONDS="2.5", **roots)
    assert (settings.tsa_urls, settings.tsa_seconds, settings.tsa_policy) == (urls, 2.5, TimeStampPolicy.REFUSE)


def test_authorities_without_roots_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="SIGILLO_TSA_ANCHORS"):
        given(monkeypatch, SIGILLO_TSA_URLS='["http://tsa.example/"]')


WITNESS = "{} https://witness.example/submit"


def test_witnesses_are_keys_with_addresses_and_a_quorum_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    vkeys = [SimulatedWitness(f"witness.example/{number}").vkey for number in range(2)]
    both = json.dumps([WITNESS.format(vkey) for vkey in vkeys])
    policy = given(monkeypatch, SIGILLO_WITNESSES=both, SIGILLO_WITNESS_QUORUM="1").witness_policy
    assert [(str(one.key), one.url) for one in policy.addresses] == [
        (vkey, "https://witness.example/submit") for vkey in vkeys
    ]
    assert (policy.needed, policy.waits) == (1, False)
    for variables, reason in (
        ({"SIGILLO_WITNESS_QUORUM": "3"}, "3 of 2 witnesses is no quorum"),
        ({"SIGILLO_WITNESS_QUORUM": "0", "SIGILLO_WITNESS_WAIT": "true"}, "how many witnesses to wait for"),
        ({"SIGILLO_WITNESSES": json.dumps([WITNESS.format(vkeys[0])] * 2)}, "named twice"),
        ({"SIGILLO_WITNESSES": json.dumps(["https://witness.example"])}, "its verifier key, a space"),
        ({"SIGILLO_WITNESSES": json.dumps([WITNESS.format(vkeys[0][:-1])])}, "base64"),
    ):
        with monkeypatch.context() as patch, pytest.raises(ValidationError, match=reason):
            given(patch, **variables)


def test_others_reach_us_where_we_listen_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().origin == "http://127.0.0.1:8080"
    assert given(monkeypatch, SIGILLO_HOST="::1", SIGILLO_PORT="7").origin == "http://[::1]:7"
    assert given(monkeypatch, SIGILLO_PUBLIC_URL="https://sigillo.example/").origin == "https://sigillo.example"
    assert given(monkeypatch, SIGILLO_PUBLIC_URL="http://localhost:7").origin == "http://localhost:7"


@pytest.mark.parametrize(
    "url",
    [
        "sigillo.example",
        "http://sigillo.example",
        "https://",
        "https://Sigillo.example",
        "https://me@sigillo.example",
        "https://sigillo.example/path",
        "https://sigillo.example?x",
        "https://sigillo.example:99999",
        "https://[::1",
    ],
)
def test_where_others_reach_us_has_one_form(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ValidationError):
        given(monkeypatch, SIGILLO_PUBLIC_URL=url)


def test_others_reach_a_server_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    server = {"SIGILLO_PROFILE": "server", **VAULT, **DATABASE}
    assert given(monkeypatch, **server, SIGILLO_PUBLIC_URL="https://sigillo.example").origin
    with pytest.raises(ValidationError, match="SIGILLO_PUBLIC_URL"):
        given(monkeypatch, **server, SIGILLO_PUBLIC_URL="http://localhost:8080")
