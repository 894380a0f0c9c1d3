"""Browsing KV engines."""

import pytest
from tests.plugins.hashicorp.using import by_token

from unvault.errors import AccessDenied

PATHS = ["app", "db/main", "db/main/deep", "db/replica", "dbx", "a b/ü"]


@pytest.fixture
def filled(namespace):
    """Return a namespace with the same secrets in engines of both versions."""
    namespace.mount("team/kv")
    namespace.mount("old", version=1)
    namespace.mount("pki", "pki")
    for path in PATHS:
        namespace.write("secret", path, x="canary")
        namespace.write("team/kv", path, x="canary")
        namespace.write_v1("old", path, x="canary")
    return namespace


@pytest.fixture
def unvault(filled, open_unvault):
    """Return one that may list everything, and read nothing."""
    paths = ("secret/metadata/*", "team/kv/metadata/*", "old/*")
    policy = filled.allow("browse", dict.fromkeys(paths, "list"))
    return open_unvault(by_token(filled, policy))


def listed(unvault, prefix=""):
    return [info.path for info in unvault.list("prod", prefix)]


@pytest.mark.parametrize("mount", ["secret", "old", "team/kv"])
class TestOneEngine:
    def test_all_of_it(self, unvault, mount):
        assert sorted(listed(unvault, f"{mount}/")) == sorted(f"{mount}/{path}" for path in PATHS)

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            ("db", ["db/main", "db/main/deep", "db/replica", "dbx"]),
            ("db/", ["db/main", "db/main/deep", "db/replica"]),
            ("db/m", ["db/main", "db/main/deep"]),
            ("db/main", ["db/main", "db/main/deep"]),
            ("db/main/", ["db/main/deep"]),
            ("a b/", ["a b/ü"]),
            ("nothing", []),
            ("app/", []),
        ],
    )
    def test_a_prefix_is_text_and_no_folder(self, unvault, mount, prefix, expected):
        found = listed(unvault, f"{mount}/{prefix}")
        assert sorted(found) == [f"{mount}/{path}" for path in expected]

    def test_what_is_listed_can_be_fetched(self, filled, mount, open_unvault, unvault):
        paths = listed(unvault, f"{mount}/")
        reads = dict.fromkeys(("secret/data/*", "team/kv/data/*", "old/*"), "read")
        reader = open_unvault(by_token(filled, filled.allow("read", reads)))
        from unvault.reference import Reference

        found = [reader.fetch(Reference("prod", path, field="x")).text() for path in paths]
        assert found == ["canary"] * len(PATHS)


class TestAllEngines:
    def test_everything_the_token_may_see(self, unvault):
        expected = [f"{mount}/{path}" for mount in ("old", "secret", "team/kv") for path in PATHS]
        assert sorted(listed(unvault)) == sorted(expected)

    @pytest.mark.parametrize(("prefix", "mount"), [("team", "team/kv"), ("sec", "secret")])
    def test_a_prefix_may_end_within_a_mount(self, unvault, prefix, mount):
        assert {*listed(unvault, prefix)} == {f"{mount}/{path}" for path in PATHS}

    def test_a_prefix_of_no_mount_is_nothing(self, unvault):
        assert listed(unvault, "zzz") == []

    def test_mounts_the_token_may_not_see_are_left_out(self, filled, open_unvault):
        policy = filled.allow("some", {"old/*": "list"})
        unvault = open_unvault(by_token(filled, policy))
        assert {path.partition("/")[0] for path in listed(unvault)} == {"old"}

    def test_values_are_never_read(self, unvault, filled):
        watch = filled.watch()
        listed(unvault)
        assert watch.count("*/data/*") == 0
        assert watch.count("old/*", "read") == 0

    def test_a_deleted_secret_is_still_listed_and_a_removed_one_is_not(self, unvault, filled):
        filled.delete("secret", "app")
        assert "secret/app" in listed(unvault, "secret/")
        filled.call("DELETE", "secret/metadata/app")
        assert "secret/app" not in listed(unvault, "secret/")


class TestDenied:
    def test_a_folder_that_was_asked_for_is_an_error(self, filled, reader, open_unvault):
        unvault = open_unvault(by_token(filled, reader))
        with pytest.raises(AccessDenied) as raised:
            listed(unvault, "secret/")
        assert raised.value.code == "access-denied"
        assert '"list"' in raised.value.hint
        assert raised.value.credential == "prod"

    def test_the_hint_is_a_policy_that_helps(self, filled, reader, open_unvault):
        with pytest.raises(AccessDenied) as raised:
            listed(open_unvault(by_token(filled, reader)), "secret/")
        rule = raised.value.hint.partition("path ")[2].partition("{")[0].strip().strip('"')
        policy = filled.allow("helps", {rule: "list"})
        found = listed(open_unvault(by_token(filled, policy)), "secret/")
        assert "secret/db/main" in found

    def test_a_folder_among_others_is_left_out_with_a_warning(self, filled, open_unvault, caplog):
        rules = {"secret/metadata/*": "list", "secret/metadata/db/*": "deny"}
        unvault = open_unvault(by_token(filled, filled.allow("partly", rules)))
        found = listed(unvault, "secret/")
        assert {"secret/app", "secret/dbx"} <= {*found}
        assert not [path for path in found if path.startswith("secret/db/")]
        assert any("secret" in each.getMessage() for each in caplog.records if each.levelno >= 30)


def test_an_empty_engine_is_nothing(namespace, open_unvault):
    policy = namespace.allow("browse", {"secret/metadata/*": "list"})
    assert listed(open_unvault(by_token(namespace, policy)), "secret/") == []


def test_a_thousand_names(namespace, open_unvault):
    namespace.mount("old", version=1)
    for number in range(1000):
        namespace.write_v1("old", f"f{number % 7}/n{number}", x="canary")
    policy = namespace.allow("browse", {"old/*": "list"})
    assert len(listed(open_unvault(by_token(namespace, policy)), "old/")) == 1000
