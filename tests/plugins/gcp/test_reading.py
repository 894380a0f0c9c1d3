"""What a reference can say, and what becomes of it, over both transports."""

from __future__ import annotations

import json

import pytest
from tests.plugins.gcp.using import at, by_key, told

from unvault import Reference
from unvault.errors import (
    AccessDenied,
    CredentialMissing,
    FieldNotFound,
    InvalidReference,
    SecretDeleted,
    SecretDestroyed,
    SecretNotFound,
    Unavailable,
    VersionNotFound,
)

pytestmark = pytest.mark.usefixtures("quiet_log")


@pytest.fixture
def reader(gcp):
    account = gcp.reader()
    gcp.grant(account, "projects/acme", "viewer")
    return account


@pytest.fixture
def unvault(gcp, reader, transport, open_unvault):
    return open_unvault(by_key(gcp, reader, transport=transport))


def test_a_secret_is_found_by_its_bare_and_by_its_whole_name(gcp, unvault):
    gcp.put("acme", "db", {"user": "app", "password": "canary-1", "port": 5432})

    for path in ("db", "projects/acme/secrets/db", "projects/acme/secrets/db/versions/1"):
        assert unvault.fetch(f"prod/{path}#password").text() == "canary-1"
    assert unvault.fetch("prod/db").json()["port"] == 5432
    number = gcp.project("acme").number
    assert unvault.fetch(f"prod/projects/{number}/secrets/db#user").text() == "app"


def test_versions_by_number_by_alias_and_the_latest_one(gcp, unvault):
    gcp.put("acme", "db", "canary-old", aliases=["stable"])
    gcp.put("acme", "db", "canary-new")

    assert unvault.fetch("prod/db").text() == "canary-new"
    assert unvault.fetch("prod/db").version == "2"
    assert unvault.fetch("prod/db?version=1").text() == "canary-old"
    assert unvault.fetch("prod/db?version=latest").text() == "canary-new"
    assert unvault.fetch("prod/db?version=stable").version == "1"
    assert unvault.fetch("prod/projects/acme/secrets/db/versions/stable").text() == "canary-old"
    assert unvault.fetch("prod/projects/acme/secrets/db/versions/latest").text() == "canary-new"


def test_bytes_come_as_they_were_stored(gcp, unvault):
    gcp.put("acme", "raw", raw := b"\x00\xff\xfecanary" + bytes(range(256)))
    gcp.put("acme", "large", large := b"canary-\xc3\xa9" * 7000)

    assert unvault.fetch("prod/raw").reveal() == raw
    assert unvault.fetch("prod/large").reveal() == large


def test_a_field_that_is_not_there_is_told_with_those_that_are(gcp, unvault):
    gcp.put("acme", "db", {"user": "canary-1", "password": "canary-2"})

    with pytest.raises(FieldNotFound) as caught:
        unvault.fetch("prod/db#passwort")
    assert set(caught.value.candidates) == {"user", "password"}
    assert "canary" not in told(caught.value)


def test_a_secret_of_another_project(gcp, reader, unvault):
    gcp.put("acme", "db", "canary-here")
    gcp.put("other", "db", "canary-there")
    gcp.grant(reader, "projects/other/secrets/db")

    assert unvault.fetch("prod/projects/other/secrets/db").text() == "canary-there"
    assert unvault.fetch("prod/db?project=other").text() == "canary-there"
    assert unvault.fetch("prod/db").text() == "canary-here"


def test_a_secret_of_another_project_that_one_may_not_read(gcp, unvault):
    gcp.put("other", "db", "canary-there")

    with pytest.raises(AccessDenied, match="projects/other/secrets/db") as caught:
        unvault.fetch("prod/projects/other/secrets/db")
    assert "secretmanager.versions.access" in caught.value.hint


def test_one_may_read_one_secret_and_not_the_others(gcp, transport, open_unvault):
    gcp.put("acme", "db", "canary-1")
    gcp.put("acme", "key", "canary-2")
    narrow = gcp.reader("projects/acme/secrets/db", name="narrow")
    unvault = open_unvault(by_key(gcp, narrow, transport=transport))

    assert unvault.fetch("prod/db").text() == "canary-1"
    with pytest.raises(AccessDenied):
        unvault.fetch("prod/key")
    with pytest.raises(AccessDenied, match="may not be listed") as caught:
        list(unvault.list("prod"))
    assert "secretmanager.secrets.list" in caught.value.hint


def test_a_secret_or_a_version_that_is_not_there(gcp, unvault):
    gcp.put("acme", "db", "canary-1")

    with pytest.raises(SecretNotFound, match="no secret 'projects/acme/secrets/dbb'") as caught:
        unvault.fetch("prod/dbb")
    assert not isinstance(caught.value, VersionNotFound | SecretDeleted)
    for version in ("7", "gone"):
        with pytest.raises(VersionNotFound, match=f"no version '{version}'") as caught:
            unvault.fetch(f"prod/db?version={version}")
        assert "gcloud secrets versions list db --project=acme shows" in caught.value.hint


def test_disabled_and_destroyed_versions_are_told_apart(gcp, unvault):
    for _ in range(3):
        gcp.put("acme", "db", "canary-1")
    gcp.set_state("projects/acme/secrets/db/versions/2", "DISABLED")
    gcp.set_state("projects/acme/secrets/db/versions/3", "DESTROYED")

    with pytest.raises(SecretDeleted, match=r"'2' .* is disabled") as caught:
        unvault.fetch("prod/db?version=2")
    assert not isinstance(caught.value, SecretDestroyed)
    assert "versions enable 2 --secret=db --project=acme, or" in caught.value.hint
    with pytest.raises(SecretDestroyed, match="'3'"):
        unvault.fetch("prod/db?version=3")
    with pytest.raises(SecretDestroyed, match="'latest'"):  # it is the last, whatever its state
        unvault.fetch("prod/db")
    assert unvault.fetch("prod/db?version=1").text() == "canary-1"


def test_what_to_type_has_the_location_of_a_regional_secret(gcp, unvault):
    gcp.put("acme", "db", "canary-1", location="europe-west1")
    gcp.set_state("projects/acme/locations/europe-west1/secrets/db/versions/1", "DISABLED")

    with pytest.raises(SecretDeleted) as caught:
        unvault.fetch("prod/db?location=europe-west1")
    wanted = "versions enable VERSION --secret=db --project=acme --location=europe-west1, or"
    assert wanted in caught.value.hint


def test_a_project_that_is_none_is_not_put_down_to_the_reference(gcp, reader, open_unvault):
    gcp.put("acme", "db", "canary-1")
    gcp.grant(reader, "projects/acme/secrets/db")
    key = json.dumps(reader.key(project_id="../canary"))
    unvault = open_unvault(at(gcp, key=key))

    for ask in (
        lambda: unvault.fetch("prod/db"),
        lambda: list(unvault.list("prod")),
        lambda: unvault.credentials.test("prod"),
    ):
        with pytest.raises(CredentialMissing, match="no project's id") as caught:
            ask()
        assert "project_id" in caught.value.hint
    assert gcp.requests == []
    assert unvault.fetch("prod/projects/acme/secrets/db").text() == "canary-1"


def test_a_damaged_payload_is_fetched_again(gcp, unvault):
    gcp.put("acme", "db", "canary-1")
    gcp.spoil(times=1)

    assert unvault.fetch("prod/db").text() == "canary-1"
    assert gcp.asked("AccessSecretVersion") == 2


def test_a_payload_that_is_damaged_twice_is_an_error(gcp, unvault):
    gcp.put("acme", "db", "canary-1")
    gcp.spoil(times=2)

    with pytest.raises(Unavailable, match="arrived damaged") as caught:
        unvault.fetch("prod/db")
    assert "canary" not in told(caught.value)
    assert gcp.asked("AccessSecretVersion") == 2
    assert unvault.fetch("prod/db").text() == "canary-1"


def test_a_project_whose_api_is_off(gcp, reader, unvault):
    gcp.put("other", "db", "canary-1")
    gcp.grant(reader, "projects/other")
    gcp.project("other", api_enabled=False)

    with pytest.raises(AccessDenied, match="API is not enabled in the project 'other'") as caught:
        unvault.fetch("prod/projects/other/secrets/db")
    assert "gcloud services enable" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("prod/db/password", "no name of a secret"),
        ("prod/projects/acme/secrets", "no name of a secret"),
        ("prod/projects/acme/db", "no name of a secret"),
        ("prod/projects/acme/secrets/db/versions", "no name of a secret"),
        ("prod/db.json", "letters, digits"),
        ("prod/" + "x" * 256, "letters, digits"),
        ("prod/db?version=0", "a version is"),
        ("prod/db?version=1.5", "a version is"),
        ("prod/db?project=UPPER", "a project has"),
        ("prod/projects/..%2f/secrets/db", "no name of a secret|a project has"),
        ("prod/db?location=europe%2fwest1", "a location is"),
        ("prod/projects/acme/secrets/db/versions/1?version=2", "parameter version"),
        ("prod/projects/acme/secrets/db?project=other", "parameter project"),
        ("prod/projects/acme/secrets/db?location=europe-west1", "parameter location"),
        ("prod/projects/a-1/locations/us-east1/secrets/db?location=europe-west1", "location"),
    ],
)
def test_what_cannot_be_the_name_of_a_secret_is_not_asked_for(gcp, unvault, path, says):
    with pytest.raises(InvalidReference, match=says) as caught:
        unvault.fetch(path)
    assert caught.value.hint
    assert gcp.requests == []


def test_what_is_said_twice_is_fine_where_it_is_the_same(gcp, unvault):
    gcp.put("acme", "db", "canary-1")

    path = "prod/projects/acme/secrets/db/versions/1?version=1&project=acme"
    assert unvault.fetch(path).text() == "canary-1"
    assert Reference.parse(path).path == "projects/acme/secrets/db/versions/1"


def test_a_hundred_secrets_at_once_have_an_outcome_each(gcp, unvault):
    names = [f"s-{number}" for number in range(100)]
    for name in names:
        gcp.put("acme", name, f"canary-{name}")

    found = unvault.fetch_many([f"prod/{name}" for name in names])
    assert [secret.text() for secret in found] == [f"canary-{name}" for name in names]
    assert gcp.asked("AccessSecretVersion") == 100


class TestListing:
    @pytest.fixture(autouse=True)
    def _content(self, gcp, reader):
        for name in ("db-main", "db-other", "main-db", "key"):
            gcp.put("acme", name, "canary-1")
        gcp.put("other", "db-theirs", "canary-2")
        gcp.grant(reader, "projects/other", "viewer")

    def test_the_secrets_of_the_project_by_the_start_of_their_names(self, unvault):
        assert sorted(info.path for info in unvault.list("prod")) == [
            *("db-main", "db-other", "key", "main-db")
        ]
        assert sorted(info.path for info in unvault.list("prod", "db")) == ["db-main", "db-other"]
        assert [info.path for info in unvault.list("prod", "db-main")] == ["db-main"]
        assert list(unvault.list("prod", "DB")) == []
        assert list(unvault.list("prod", "db/")) == []

    def test_the_secrets_of_another_project_have_their_whole_names(self, unvault):
        whole = "projects/other/secrets/db-theirs"
        for prefix in ("projects/other/", "projects/other/secrets/", whole[:-3], whole):
            assert [info.path for info in unvault.list("prod", prefix)] == [whole]
        assert list(unvault.list("prod", "projects/other/secrets/x")) == []
        assert list(unvault.list("prod", "projects/other/x")) == []

    @pytest.mark.parametrize(
        "prefix",
        [
            *("projects/", "projects/other", "projects/other/locations/", "projects/other/loc"),
            *("projects/other/locations/europe-west1", "projects/../", "projects/a?b/"),
        ],
    )
    def test_a_prefix_that_does_not_say_what_to_list(self, gcp, unvault, prefix):
        with pytest.raises(InvalidReference) as caught:
            list(unvault.list("prod", prefix))
        assert caught.value.hint
        assert gcp.requests == []

    def test_all_pages_are_read(self, gcp, unvault):
        gcp.secrets.page_size = 2

        assert len(list(unvault.list("prod"))) == 4
        assert gcp.asked("ListSecrets") == 2

    def test_the_server_is_asked_for_what_may_fit_only(self, gcp, unvault):
        gcp.secrets.page_size = 1
        list(unvault.list("prod", "key"))

        assert gcp.asked("ListSecrets") == 1
