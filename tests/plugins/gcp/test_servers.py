"""The server that the other tests here rely on, asked by the bare SDK."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.plugins.gcp.asking import asked, client, code_of, keyed
from tests.servers.gcp_accounts import private_key
from tests.servers.gcp_names import crc32c

TRANSPORTS = pytest.mark.parametrize("transport", ["grpc", "rest"])


def test_the_checksum_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283


@TRANSPORTS
class TestSecrets:
    def test_a_version_is_read_by_number_by_alias_and_as_latest(self, trusted, transport):
        first = trusted.put("acme", "db", "one", aliases=["old"])
        trusted.put("acme", "db", b"\0\xff")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        secret = first.removesuffix("/versions/1")
        assert asked(made, first).data == asked(made, f"{secret}/versions/old").data == b"one"
        latest = asked(made, f"{secret}/versions/latest")
        assert latest.data == b"\0\xff"
        assert latest.data_crc32c == crc32c(b"\0\xff")
        assert code_of(made, f"{secret}/versions/3") == (404, "")
        assert code_of(made, f"{secret}/versions/new") == (404, "")
        assert code_of(made, "projects/acme/secrets/none/versions/1") == (404, "")
        if transport == "grpc":  # over REST the SDK itself refuses a name like this
            assert code_of(made, "db") == (400, "")

    def test_only_an_enabled_version_has_a_payload(self, trusted, transport):
        version = trusted.put("acme", "db", "one")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        for state in ("DISABLED", "DESTROYED"):
            trusted.set_state(version, state)
            assert code_of(made, version) == (400, "")
            assert code_of(made, "projects/acme/secrets/db/versions/latest") == (400, "")
        trusted.remove("projects/acme/secrets/db")
        assert code_of(made, version) == (404, "")

    def test_a_project_has_a_number_and_answers_name_it(self, trusted, transport):
        version = trusted.put("acme", "db", "one")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        number = trusted.project("acme").number
        numbered = version.replace("acme", number)
        assert made.access_secret_version(name=version).name == numbered
        assert made.access_secret_version(name=numbered).name == numbered

    def test_a_role_holds_for_a_secret_or_a_project_and_no_other(self, trusted, transport):
        mine, other = trusted.put("acme", "mine", "x"), trusted.put("acme", "other", "y")
        foreign = trusted.put("foreign", "mine", "z")
        reader = trusted.reader("projects/acme/secrets/mine")
        made = client(keyed(reader), trusted.endpoint, transport=transport)
        assert asked(made, mine).data == b"x"
        nowhere = "projects/nowhere/secrets/mine/versions/1"
        for each in (other, foreign, nowhere, mine.replace("mine", "none")):
            assert code_of(made, each) == (403, "IAM_PERMISSION_DENIED")
        with pytest.raises(Exception, match=r"secretmanager\.secrets\.list"):
            [*made.list_secrets(parent="projects/acme")]
        trusted.grant(reader, "projects/foreign")
        assert asked(made, foreign).data == b"z"
        trusted.take_away(reader, "projects/foreign")
        assert code_of(made, foreign)[0] == 403
        trusted.project("acme", api_enabled=False)
        assert code_of(made, mine) == (403, "SERVICE_DISABLED")

    def test_regional_secrets_are_others(self, trusted, transport):
        trusted.put("acme", "db", "global")
        regional = trusted.put("acme", "db", "regional", location="europe-west1")
        reader = trusted.reader(regional.rpartition("/versions/")[0])
        trusted.grant(reader, "projects/acme", "viewer")
        made = client(keyed(reader), trusted.endpoint, transport=transport)
        assert asked(made, regional).data == b"regional"
        listed = [*made.list_secrets(parent="projects/acme/locations/europe-west1")]
        assert len(listed) == 1
        assert "/locations/europe-west1/" in listed[0].name
        assert len([*made.list_secrets(parent="projects/acme")]) == 1
        assert code_of(made, "projects/acme/secrets/db/versions/1")[0] == 403

    def test_lists_come_in_pages_and_can_be_narrowed(self, trusted, transport):
        for number in range(7):
            trusted.put("acme", f"{'api' if number % 2 else 'db'}-{number}", "x", odd="yes")
        trusted.put("acme", "db-0", "y", aliases=["prod"])
        viewer = trusted.service_account("viewer")
        trusted.grant(viewer, "projects/acme", "viewer")
        made = client(keyed(viewer), trusted.endpoint, transport=transport)
        trusted.secrets.page_size = 3
        listed = made.list_secrets(parent="projects/acme")
        assert [each.name.rpartition("-")[2] for each in listed] == [*"6543210"]
        assert trusted.asked("ListSecrets") == 3
        found = made.list_secrets(request={"parent": "projects/acme", "filter": "name:api"})
        assert len([*found]) == 3
        versions = [*made.list_secret_versions(parent="projects/acme/secrets/db-0")]
        assert [each.name.rpartition("/")[2] for each in versions] == ["2", "1"]
        secret = made.get_secret(name="projects/acme/secrets/db-0")
        assert dict(secret.version_aliases) == {"prod": 2}
        assert dict(secret.labels) == {"odd": "yes"}
        version = made.get_secret_version(name="projects/acme/secrets/db-0/versions/latest")
        assert (version.name, version.state.name) == (versions[0].name, "ENABLED")
        assert code_of(made, version.name)[0] == 403
        for bad in ({"filter": "colour:red"}, {"page_token": "?"}):
            with pytest.raises(Exception, match="400"):
                [*made.list_secrets(request={"parent": "projects/acme", **bad})]


@TRANSPORTS
class TestSigning:
    def test_only_a_key_of_the_account_itself_signs_for_it(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        reader, other = trusted.reader(), trusted.service_account("other")
        foreign = other.key()["private_key_id"]
        for wrong in ({"private_key": private_key(1)}, {"private_key_id": foreign}):
            made = client(keyed(reader, **wrong), trusted.endpoint, transport=transport)
            assert code_of(made, version) == (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        unknown = keyed(reader, client_email="nobody@acme.iam.gserviceaccount.com")
        made = client(unknown, trusted.endpoint, transport=transport)
        assert code_of(made, version)[0] == 401
        made = client(keyed(other), trusted.endpoint, transport=transport)
        assert code_of(made, version)[0] == 403

    def test_a_revoked_key_a_disabled_account_and_a_late_signature_are_refused(
        self, trusted, transport
    ):
        version = trusted.put("acme", "db", "x")
        reader = trusted.reader()
        made = client(keyed(reader), trusted.endpoint, transport=transport)
        assert asked(made, version).data == b"x"
        trusted.ahead = 3600 + 301
        assert code_of(made, version)[0] == 401
        trusted.ahead = 0
        reader.enabled = False
        assert code_of(made, version)[0] == 401
        reader.enabled = True
        assert asked(made, version).data == b"x"
        reader.revoke_keys()
        assert code_of(made, version)[0] == 401
        assert trusted.issued == []  # the client signs for itself

    def test_a_signature_is_meant_for_the_service(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        reader = keyed(trusted.reader())
        for scope, code in [("cloud-platform", None), ("devstorage.read_only", 403)]:
            scoped = reader.with_scopes([f"https://www.googleapis.com/auth/{scope}"])
            signed = scoped.with_always_use_jwt_access(True)
            made = client(signed, trusted.endpoint, transport=transport)
            assert asked(made, version).data if code is None else code_of(made, version)[0] == code


@TRANSPORTS
class TestFaults:
    def test_codes_come_so_many_times(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        for code, status in [
            ("UNAVAILABLE", 503),
            ("RESOURCE_EXHAUSTED", 429),
            ("INTERNAL", 500),
            ("DEADLINE_EXCEEDED", 504),
        ]:
            trusted.fail(code, times=2, where="AccessSecretVersion")
            assert code_of(made, version) == code_of(made, version) == (status, "")
            assert asked(made, version).data == b"x"
        other = "rest" if transport == "grpc" else "grpc"
        trusted.fail("INTERNAL", where=other)
        assert asked(made, version).data == b"x"

    def test_a_checksum_may_be_wrong(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        trusted.spoil()
        assert asked(made, version).data_crc32c == crc32c(b"x") ^ 1
        assert asked(made, version).data_crc32c == crc32c(b"x")

    def test_an_answer_may_never_come_or_come_late(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        trusted.hang(times=1)
        with pytest.raises(Exception, match=r"Deadline|timed out"):
            asked(made, version, timeout=0.2)
        assert asked(made, version).data == b"x"
        trusted.milliseconds = 300
        with pytest.raises(Exception, match=r"Deadline|timed out"):
            asked(made, version, timeout=0.1)
        assert asked(made, version).data == b"x"

    def test_a_connection_may_break_be_silent_or_end(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        credentials = keyed(trusted.reader())
        made = client(credentials, trusted.endpoint, transport=transport)
        assert asked(made, version).data == b"x"
        assert trusted.connections == 1
        trusted.reset()
        with pytest.raises(Exception, match=r"[Rr]eset|Socket closed|aborted|recvmsg"):
            asked(made, version)
        assert asked(made, version).data == b"x"
        trusted.wire.cut()
        assert asked(client(credentials, trusted.endpoint, transport=transport), version)
        trusted.wire.silent = True
        fresh = client(credentials, trusted.endpoint, transport=transport)
        with pytest.raises(Exception, match=r"Deadline|timed out"):
            asked(fresh, version, timeout=0.3)
        trusted.calm()
        again = client(credentials, trusted.endpoint, transport=transport)
        assert asked(again, version).data == b"x"

    def test_an_answer_may_be_nonsense_trickle_or_break_off(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        credentials = keyed(trusted.reader())
        made = client(credentials, trusted.endpoint, transport=transport)
        trusted.garble(b"\xff").answer_http(200, b"<html>")
        with pytest.raises(Exception, match=r"deserializing|Failed to parse|Expecting"):
            asked(made, version)
        trusted.calm()
        trusted.wire.most = 100
        with pytest.raises(Exception, match=r"[Rr]eset|Socket closed|aborted|handshake|EOF"):
            asked(client(credentials, trusted.endpoint, transport=transport), version, timeout=3)
        trusted.calm()
        trusted.wire.pause = 0.05
        with pytest.raises(Exception, match=r"Deadline|timed out"):
            asked(client(credentials, trusted.endpoint, transport=transport), version, timeout=0.4)

    def test_those_that_wait_keep_nobody_else_waiting(self, trusted, transport):
        version = trusted.put("acme", "db", "x")
        made = client(keyed(trusted.reader()), trusted.endpoint, transport=transport)
        trusted.hang(times=20)
        with ThreadPoolExecutor(20) as pool:
            hanging = [pool.submit(asked, made, version, timeout=1) for _ in range(20)]
            while trusted.asked() < 20:
                time.sleep(0.001)
            assert asked(made, version).data == b"x"
            for each in hanging:
                assert each.exception() is not None
