"""The servers that the other tests here rely on."""

import http.client
import json
import sys
import time

import pytest
from tests.servers.answers import NotAnswered
from tests.servers.openbao import OpenBao
from tests.servers.process import outlives_its_starter
from tests.servers.serving import Serving


def asked(server: Serving, method="GET", path="/", body=None, headers=None):
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        link.request(method, path, body, headers or {})
        reply = link.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        link.close()


class TestOpenBao:
    def test_it_is_ready_in_a_moment(self, tmp_path):
        before = time.monotonic()
        with OpenBao(tmp_path) as server:
            assert server.call("GET", "sys/health")["initialized"] is True
        assert time.monotonic() - before < 3  # 0.15 where nothing else runs
        with pytest.raises(OSError, match="refused"):
            server.call("GET", "sys/health")

    def test_namespaces_are_apart(self, new_namespace):
        one, two = new_namespace(), new_namespace()
        one.mount("team/kv")
        assert one.write("team/kv", "a/b", x=1) == 1
        assert one.call("GET", "team/kv/data/a/b")["data"]["data"] == {"x": 1}
        with pytest.raises(NotAnswered) as raised:
            two.call("GET", "team/kv/data/a/b")
        assert raised.value.status == 404

    def test_the_audit_log_counts_what_others_than_the_test_ask(self, namespace):
        token = namespace.create_token()
        watch = namespace.watch()
        namespace.write("secret", "app", x=1)
        with pytest.raises(NotAnswered):
            namespace.call("GET", "secret/data/app", token=token)
        role = namespace.approle()
        login = {"role_id": role.role_id, "secret_id": role.secret_id}
        namespace.call("POST", "auth/approle/login", login, token="")
        assert watch.count("secret/data/*", "read") == watch.logins == 1
        assert {asked.namespace for asked in watch.requests()} == {namespace.path}

    def test_its_data_outlives_a_power_cut(self, lasting_openbao):
        root = lasting_openbao.root
        root.mount("outliving")
        root.write("outliving", "app", x=1)
        lasting_openbao.kill()
        lasting_openbao.start()
        with pytest.raises(NotAnswered) as raised:
            root.call("GET", "outliving/data/app")
        assert raised.value.status == 503
        lasting_openbao.unseal()
        assert root.call("GET", "outliving/data/app")["data"]["data"] == {"x": 1}

    @pytest.mark.skipif(sys.platform != "linux", reason="needs prctl(2)")
    def test_it_ends_with_the_process_that_started_it(self, tmp_path):
        program = (
            "import pathlib\n"
            "from tests.servers.openbao import OpenBao\n"
            f"pid = OpenBao(pathlib.Path({str(tmp_path)!r})).start()._process.pid"
        )
        assert not outlives_its_starter(program)


class TestProxy:
    def test_it_passes_on_what_comes(self, proxy, openbao):
        status, _, body = asked(proxy, path="/v1/sys/health")
        assert status == 200
        assert json.loads(body)["initialized"] is True
        assert [seen.path for seen in proxy.requests] == ["/v1/sys/health"]

    def test_it_answers_a_status_so_many_times(self, proxy):
        proxy.answer(429, times=2, where="health", retry_after=3)
        replies = [asked(proxy, path="/v1/sys/health") for _ in range(3)]
        assert [status for status, *_ in replies] == [429, 429, 200]
        assert replies[0][1]["Retry-After"] == "3"

    @pytest.mark.parametrize("done", [False, True])
    def test_it_breaks_connections_before_or_after_the_server_acted(self, proxy, namespace, done):
        proxy.reset(done=done)
        headers = {"X-Vault-Token": "root", "X-Vault-Namespace": namespace.path}
        with pytest.raises(ConnectionResetError):
            asked(proxy, "POST", "/v1/secret/data/app", '{"data": {"x": 1}}', headers)
        status, *_ = asked(proxy, "GET", "/v1/secret/data/app", headers=headers)
        assert status == (200 if done else 404)

    def test_it_never_answers(self, proxy):
        proxy.hang()
        link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=0.2)
        link.request("GET", "/")
        with pytest.raises(TimeoutError):
            link.getresponse()
        link.close()

    def test_an_answer_takes_no_longer_than_it_has_to(self, proxy):
        link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        before = time.monotonic()
        for _ in range(20):
            link.request("GET", "/v1/sys/health")
            link.getresponse().read()
        assert time.monotonic() - before < 20 * 0.040  # what Nagle's algorithm costs
        link.close()
