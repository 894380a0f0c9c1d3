"""Reading KV engines, of version 1 and 2."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.plugins.hashicorp.using import at, by_token, says_nothing_secret

from unvault.errors import (
    AccessDenied,
    FieldNotFound,
    InvalidReference,
    SecretDeleted,
    SecretDestroyed,
    SecretNotFound,
    VersionNotFound,
)
from unvault.reference import Reference


@pytest.fixture
def unvault(namespace, open_unvault):
    """Return one that may read everything under ``secret``, ``old`` and ``team``."""
    paths = ("secret/data/*", "old/*", "team/*")
    policy = namespace.allow("all", dict.fromkeys(paths, "read"))
    return open_unvault(by_token(namespace, policy))


@pytest.fixture
def old(namespace):
    """Return the mount of a KV v1 engine with a secret ``app``."""
    namespace.mount("old", version=1)
    namespace.write_v1("old", "app", password="canary-old", user="me")
    return "old"


class TestVersion2:
    def test_a_field(self, unvault, namespace):
        namespace.write("secret", "app", password="canary-1")
        assert unvault.fetch("prod/secret/app#password").text() == "canary-1"

    def test_the_whole_secret_is_json(self, unvault, namespace):
        fields = {"password": "canary", "n": 1.5, "list": [1, None], "ü": "ö", "deep": {"a": True}}
        namespace.write("secret", "app", **fields)
        secret = unvault.fetch("prod/secret/app")
        assert secret.json() == fields
        assert json.loads(secret.reveal()) == fields
        assert secret.content_type == "application/json"
        assert unvault.fetch("prod/secret/app#/deep/a").text() == "true"

    def test_it_tells_its_version_and_when_that_was_made(self, unvault, namespace):
        namespace.write("secret", "app", x="canary-1")
        namespace.write("secret", "app", x="canary-2")
        secret = unvault.fetch("prod/secret/app")
        assert secret.version == "2"
        assert abs(datetime.now(UTC) - secret.created) < timedelta(minutes=1)
        assert secret.expires is None

    def test_each_version_can_be_read(self, unvault, namespace):
        for number in range(1, 4):
            namespace.write("secret", "app", x=f"canary-{number}")
        for number in (1, 3, 2):
            secret = unvault.fetch(f"prod/secret/app?version={number}#x")
            assert (secret.text(), secret.version) == (f"canary-{number}", str(number))
        assert unvault.fetch("prod/secret/app#x").text() == "canary-3"

    def test_a_deep_path(self, unvault, namespace):
        namespace.write("secret", "a/b/c/d", x="canary")
        assert unvault.fetch("prod/secret/a/b/c/d#x").text() == "canary"

    @pytest.mark.parametrize(
        "name", ["a b", "ü/ö", "100%", "a?b", "a#b", "data/x", "a+b&c=d", "metadata/data", "x~y"]
    )
    def test_any_name_that_the_server_takes(self, unvault, namespace, name):
        namespace.call("POST", f"secret/data/{name}", {"data": {"x": "canary"}})
        assert unvault.fetch(Reference("prod", f"secret/{name}", field="x")).text() == "canary"

    def test_a_value_of_a_megabyte_minus_something(self, unvault, namespace):
        value = "canary" + "x" * 900_000
        namespace.write("secret", "app", x=value)
        assert unvault.fetch("prod/secret/app#x").text() == value

    def test_an_empty_secret_is_one(self, unvault, namespace):
        namespace.write("secret", "app")
        assert unvault.fetch("prod/secret/app").json() == {}

    def test_a_secret_that_deletes_itself_is_not_kept_longer(self, unvault, namespace):
        namespace.call("POST", "secret/metadata/app", {"delete_version_after": "600s"})
        namespace.write("secret", "app", x="canary")
        left = unvault.fetch("prod/secret/app").expires - datetime.now(UTC)
        assert timedelta(seconds=500) < left <= timedelta(seconds=601)


class TestVersion1:
    def test_a_field_and_the_whole(self, unvault, old):
        assert unvault.fetch("prod/old/app#user").text() == "me"
        secret = unvault.fetch("prod/old/app")
        assert secret.json() == {"password": "canary-old", "user": "me"}
        assert secret.version is None

    def test_it_has_no_versions(self, unvault, old):
        with pytest.raises(InvalidReference, match="no versions"):
            unvault.fetch("prod/old/app?version=1")

    def test_a_missing_secret(self, unvault, old):
        with pytest.raises(SecretNotFound) as raised:
            unvault.fetch("prod/old/nothing")
        assert type(raised.value) is SecretNotFound

    def test_its_ttl_bounds_how_long_it_is_kept(self, unvault, namespace, old):
        namespace.write_v1("old", "brief", x="canary", ttl="90s")
        left = unvault.fetch("prod/old/brief").expires - datetime.now(UTC)
        assert timedelta(seconds=60) < left <= timedelta(seconds=91)


class TestMounts:
    @pytest.mark.parametrize("version", [1, 2])
    @pytest.mark.parametrize("mount", ["team/kv", "team/a/b/c"])
    def test_a_mount_may_have_slashes(self, unvault, namespace, mount, version):
        namespace.mount(mount, version=version)
        write = namespace.write if version == 2 else namespace.write_v1
        write(mount, "db/main", x="canary")
        assert unvault.fetch(f"prod/{mount}/db/main#x").text() == "canary"

    def test_two_that_begin_alike_are_told_apart(self, unvault, namespace):
        for mount, version in [("team/one", 1), ("team/two", 2), ("team/one2", 2)]:
            namespace.mount(mount, version=version)
            write = namespace.write if version == 2 else namespace.write_v1
            write(mount, "app", x=f"canary-{mount}")
        for mount in ["team/two", "team/one", "team/one2", "team/two"]:
            assert unvault.fetch(f"prod/{mount}/app#x").text() == f"canary-{mount}"

    @pytest.mark.parametrize("kv", ["1", "v1"])
    def test_version_1_can_be_said(self, unvault, old, kv):
        assert unvault.fetch(f"prod/old/app?kv={kv}#user").text() == "me"

    @pytest.mark.parametrize("kv", ["2", "v2"])
    def test_version_2_can_be_said(self, unvault, namespace, kv):
        namespace.write("secret", "app", user="me")
        assert unvault.fetch(f"prod/secret/app?kv={kv}#user").text() == "me"

    @pytest.mark.parametrize("engine", ["transit", "pki", "totp"])
    def test_another_engine_is_no_kv_engine(self, unvault, namespace, engine):
        namespace.mount("team/other", engine)
        with pytest.raises(InvalidReference, match=engine) as raised:
            unvault.fetch("prod/team/other/app")
        assert "engine=logical" in raised.value.hint

    def test_a_mount_without_a_secret_is_no_reference(self, unvault):
        with pytest.raises(InvalidReference) as raised:
            unvault.fetch("prod/secret")
        assert raised.value.hint

    @pytest.mark.parametrize("path", ["secret/../sys/x", "secret/./app", "secret/a/.."])
    def test_no_part_leads_elsewhere(self, unvault, path):
        with pytest.raises(InvalidReference, match=r"'\.'"):
            unvault.fetch(Reference("prod", path))

    def test_a_mount_is_asked_for_once_however_many_fetch(self, unvault, namespace):
        for number in range(40):
            namespace.write("secret", f"app{number}", x=f"canary-{number}")
        watch = namespace.watch()
        with ThreadPoolExecutor(16) as pool:
            found = pool.map(lambda n: unvault.fetch(f"prod/secret/app{n}#x").text(), range(40))
            assert [*found] == [f"canary-{number}" for number in range(40)]
        unvault.fetch("prod/secret/app1", fresh=True)
        assert watch.count("sys/*") == 1
        assert watch.count("secret/data/*", "read") == 41
        assert watch.count("auth/token/lookup-self") == 1

    def test_a_changed_mount_is_seen_by_the_next_session(self, unvault, namespace, open_unvault):
        namespace.write("secret", "app", x="canary-2")
        assert unvault.fetch("prod/secret/app#x").text() == "canary-2"
        namespace.call("DELETE", "sys/mounts/secret")
        namespace.mount("secret", version=1)
        namespace.write_v1("secret", "app", x="canary-1")
        policy = namespace.allow("v1", {"secret/app": "read"})
        assert open_unvault(by_token(namespace, policy)).fetch("prod/secret/app#x").text() == (
            "canary-1"
        )


class TestWhatIsNotThere:
    def test_a_deleted_secret(self, unvault, namespace):
        namespace.write("secret", "app", x="canary")
        namespace.delete("secret", "app")
        with pytest.raises(SecretDeleted) as raised:
            unvault.fetch("prod/secret/app")
        assert type(raised.value) is SecretDeleted
        assert raised.value.code == "secret-deleted"
        assert "undelete" in raised.value.hint

    def test_it_is_there_again_when_brought_back(self, unvault, namespace):
        namespace.write("secret", "app", x="canary")
        namespace.delete("secret", "app")
        namespace.undelete("secret", "app", 1)
        assert unvault.fetch("prod/secret/app#x").text() == "canary"

    def test_a_deleted_version_beside_a_newer_one(self, unvault, namespace):
        namespace.write("secret", "app", x="canary-1")
        namespace.write("secret", "app", x="canary-2")
        namespace.delete("secret", "app", 1)
        with pytest.raises(SecretDeleted, match="version 1"):
            unvault.fetch("prod/secret/app?version=1")
        assert unvault.fetch("prod/secret/app#x").text() == "canary-2"

    def test_a_destroyed_version(self, unvault, namespace):
        namespace.write("secret", "app", x="canary")
        namespace.destroy("secret", "app", 1)
        for reference in ("prod/secret/app", "prod/secret/app?version=1"):
            with pytest.raises(SecretDestroyed) as raised:
                unvault.fetch(reference)
            assert raised.value.code == "secret-destroyed"

    @pytest.mark.parametrize("version", [7, 10**6])
    def test_a_version_that_never_was(self, unvault, namespace, version):
        namespace.write("secret", "app", x="canary")
        with pytest.raises(VersionNotFound) as raised:
            unvault.fetch(f"prod/secret/app?version={version}")
        assert raised.value.code == "version-not-found"
        assert says_nothing_secret(raised.value)

    def test_a_version_that_never_was_of_a_deleted_secret(self, unvault, namespace):
        namespace.write("secret", "app", x="canary")
        namespace.delete("secret", "app")
        with pytest.raises(VersionNotFound):
            unvault.fetch("prod/secret/app?version=9")

    @pytest.mark.parametrize("version", [0, -1])
    def test_versions_count_from_1(self, unvault, namespace, version):
        namespace.write("secret", "app", x="canary")
        with pytest.raises(InvalidReference):
            unvault.fetch(f"prod/secret/app?version={version}")

    @pytest.mark.parametrize("reference", ["prod/secret/no", "prod/secret/no?version=1"])
    def test_a_secret_that_never_was(self, unvault, reference):
        with pytest.raises(SecretNotFound) as raised:
            unvault.fetch(reference)
        assert type(raised.value) is SecretNotFound
        assert raised.value.hint

    def test_the_words_of_the_api_in_a_path_are_pointed_out(self, unvault, namespace):
        namespace.write("secret", "app", x="canary")
        with pytest.raises(SecretNotFound) as raised:
            unvault.fetch("prod/secret/data/app")
        assert "leave out data/" in raised.value.hint

    def test_a_wrong_field_lists_the_names_and_no_values(self, unvault, namespace):
        namespace.write("secret", "app", password="canary-1", user="canary-2")
        with pytest.raises(FieldNotFound) as raised:
            unvault.fetch("prod/secret/app#pasword")
        assert {*raised.value.candidates} == {"password", "user"}
        assert says_nothing_secret(raised.value)

    def test_a_mount_that_is_not_there(self, namespace, open_unvault):
        with pytest.raises((SecretNotFound, AccessDenied)) as raised:
            open_unvault(at(namespace, access_token="root", auth_namespace="")).fetch(
                "prod/nowhere/app"
            )
        assert isinstance(raised.value, SecretNotFound)
        assert "mount" in raised.value.hint


class TestLeastPrivilege:
    def test_reading_the_one_path_is_all_a_token_needs(self, namespace, reader, open_unvault):
        answers = by_token(namespace, reader, no_default_policy=True)
        unvault = open_unvault(answers)
        assert unvault.fetch("prod/secret/app#user").text() == "me"
        with pytest.raises(AccessDenied) as raised:
            unvault.fetch("prod/secret/other")
        assert raised.value.code == "access-denied"
        assert 'path "secret/data/other"' in raised.value.hint
        assert says_nothing_secret(raised.value, answers["access_token"])

    def test_version_1_at_a_mount_with_slashes(self, namespace, open_unvault):
        namespace.mount("team/old", version=1)
        namespace.write_v1("team/old", "app", x="canary")
        policy = namespace.allow("one", {"team/old/app": "read"})
        unvault = open_unvault(by_token(namespace, policy, no_default_policy=True))
        assert unvault.fetch("prod/team/old/app#x").text() == "canary"

    def test_nothing_is_listed_to_read(self, namespace, reader, open_unvault):
        unvault = open_unvault(by_token(namespace, reader))
        watch = namespace.watch()
        unvault.fetch("prod/secret/app")
        for reference in ("prod/secret/app?version=9", "prod/secret/app#no", "prod/secret/no"):
            with pytest.raises((VersionNotFound, FieldNotFound, AccessDenied)):
                unvault.fetch(reference)
        assert {asked.operation for asked in watch.requests()} == {"read"}
        assert watch.count("*metadata*") == 0

    def test_a_denied_path_is_no_reason_to_sign_in_again(self, namespace, reader, open_unvault):
        role = namespace.approle(reader)
        answers = at(
            namespace, auth_method="approle", role_id=role.role_id, secret_id=role.secret_id
        )
        unvault = open_unvault(answers)
        watch = namespace.watch()
        for _ in range(3):
            with pytest.raises(AccessDenied):
                unvault.fetch("prod/secret/other")
        assert watch.logins == 1


class TestNamespaces:
    @pytest.fixture
    def child(self, namespace):
        made = namespace.child("child")
        made.mount("team/kv")
        made.write("team/kv", "app", x="canary-child")
        return made

    def test_a_reference_can_name_another_namespace(self, namespace, child, open_unvault):
        policy = namespace.allow("deep", {"child/team/kv/data/*": "read"})
        unvault = open_unvault(by_token(namespace, policy))
        found = unvault.fetch(Reference("prod", "team/kv/app", {"namespace": child.path}, "x"))
        assert found.text() == "canary-child"

    @pytest.mark.parametrize("header", ["true", "false"])
    def test_in_a_header_or_in_the_path(self, namespace, child, open_unvault, header):
        policy = child.allow("own", {"team/kv/data/*": "read"})
        unvault = open_unvault(by_token(child, policy))
        watch = namespace.watch()
        reference = f"prod/team/kv/app?namespace_header={header}#x"
        assert unvault.fetch(reference).text() == "canary-child"
        assert watch.count("team/kv/data/app", "read") == 1

    def test_the_same_path_in_two_namespaces_is_never_mixed(self, new_namespace, open_unvault):
        one, two = new_namespace(), new_namespace()
        for place in (one, two):
            place.mount("secret")
            place.write("secret", "app", x=f"canary-{place.path}")
        unvault = open_unvault(at(one, access_token="root", auth_namespace=""))
        for _ in range(2):
            for place in (one, two, one):
                found = unvault.fetch(
                    Reference("prod", "secret/app", {"namespace": place.path}, "x")
                )
                assert found.text() == f"canary-{place.path}"

    def test_one_that_is_not_there_is_named(self, namespace, reader, open_unvault):
        unvault = open_unvault(at(namespace, access_token="root", auth_namespace=""))
        with pytest.raises(SecretNotFound, match="no namespace"):
            unvault.fetch(Reference("prod", "secret/app", {"namespace": "nowhere"}))
