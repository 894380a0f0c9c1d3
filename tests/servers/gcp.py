"""Google Cloud, as far as Secret Manager needs it: secrets, who may read them, and tokens."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from tests.servers.gcp_accounts import ServiceAccount
from tests.servers.gcp_answers import Asked, Refused, Reply
from tests.servers.gcp_faults import Fault, Faults
from tests.servers.gcp_grpc import Dropped, GrpcServer, Unanswered
from tests.servers.gcp_identities import Identities
from tests.servers.gcp_names import parsed
from tests.servers.gcp_oauth import Tokens
from tests.servers.gcp_pools import Pool
from tests.servers.gcp_rest import RestServer
from tests.servers.gcp_secrets import Project, Secrets
from tests.servers.serving import Seen
from tests.servers.tokens import Issuer
from tests.servers.wire import Wire, is_tls, protocols

REGIONS = ("europe-west1", "us-east1")
"""Where regional secrets can be; each has an endpoint with a name of its own."""


class Gcp(Faults):
    """All of it at one port of 127.0.0.1, with TLS or without, over gRPC or REST.

    What a client says first decides who answers it. Used as a context manager::

        with Gcp(trustme.CA(), tmp_path) as gcp:
            gcp.put("acme", "db", "hunter2")
            reader = gcp.service_account("reader", project="acme")
            gcp.grant(reader, "projects/acme/secrets/db")
            reader.key_file(tmp_path / "key.json")
            gcp.fail("UNAVAILABLE", times=2, where="AccessSecretVersion")
            gcp.milliseconds = 20  # each answer comes later
            gcp.ahead = 3600  # its clock, an hour later

    Secret Manager is at `endpoint`, for both transports: over TLS for who trusts `ca_file`, which
    the variables of `environment` do, and without. The other services are at `address` and
    `tls_address`. Each also has its real name, by `tests.servers.connect`: see `hosts`.

    Args:
        authority: A CA of trustme.
        folder: Where the CA's certificate is put.
    """

    def __init__(self, authority: Any, folder: Path) -> None:
        super().__init__()
        self.ahead = 0.0
        """Seconds that its clock is ahead of the real one."""
        self.requests: list[Asked] = []
        """What was asked, in order."""
        self.seen: list[Seen] = []
        """The requests over HTTP that were about tokens, as they came."""
        self.secrets = Secrets(self.now)
        self.identities = Identities(self.now)
        self.tokens = Tokens(self.identities, self.now)
        self.ca_file = folder / "google-authority.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._start(authority.issue_cert("localhost", "127.0.0.1", *self._names()))
        self.endpoint = f"127.0.0.1:{self.port}"
        self.address = f"http://{self.endpoint}"
        self.tls_address = f"https://{self.endpoint}"
        self.identities.token_uris |= {f"{self.address}/token", f"{self.tls_address}/token"}

    def _start(self, certificate: Any) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.set_alpn_protocols(["http/1.1"])
        certificate.configure_cert(tls)
        chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
        self.grpc = GrpcServer(self.answer, certificate.private_key_pem.bytes(), chain)
        self.rest = RestServer(self.answer, self.tokens, tls)
        self.plain_rest = RestServer(self.answer, self.tokens)
        self.wire = Wire(self._choose)
        self.port = self.wire.port

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which the SDK trusts this server; gRPC reads its own once in a process."""
        names = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"
        return dict.fromkeys(names, str(self.ca_file))

    @property
    def hosts(self) -> dict[str, int]:
        """The port for each of Google's names that is answered here."""
        return dict.fromkeys(self._names(), self.port)

    @staticmethod
    def _names() -> list[str]:
        services = ("secretmanager", "oauth2", "sts", "iamcredentials")
        regional = [f"secretmanager.{each}.rep.googleapis.com" for each in REGIONS]
        return [*(f"{each}.googleapis.com" for each in services), *regional, _METADATA]

    def now(self) -> float:
        """Return the time on its clock, in seconds since 1970."""
        return time.time() + self.ahead

    # --------------------------------------------------------------------------- its content

    def project(self, name: str, *, api_enabled: bool = True) -> Project:
        """Return a project, which is made where there is none."""
        made = self.secrets.project(name)
        made.api_enabled = api_enabled
        return made

    def put(
        self,
        project: str,
        secret: str,
        payload: object,
        *,
        location: str | None = None,
        aliases: Iterable[str] = (),
        **labels: str,
    ) -> str:
        """Add a version to a secret, and return its name, with the project's id.

        Args:
            project: The project's id.
            secret: The secret's id; it is made where there is none.
            payload: Bytes, a text, or what becomes JSON.
            location: Where a regional secret is.
            aliases: Names that this version has besides its number.
            labels: Of the secret.
        """
        if not isinstance(payload, bytes):
            payload = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
        where = f"projects/{project}{f'/locations/{location}' if location else ''}"
        return self.secrets.put(parsed(f"{where}/secrets/{secret}"), payload, aliases, labels)

    def set_state(self, version: str, state: str) -> None:
        """Make a version ``ENABLED``, ``DISABLED`` or ``DESTROYED``."""
        self.secrets.set_state(parsed(version), state)

    def remove(self, secret: str) -> None:
        """Delete a secret."""
        self.secrets.remove(parsed(secret))

    # --------------------------------------------------------------------- who may do what

    def service_account(self, name: str, *, project: str = "acme") -> ServiceAccount:
        """Make a service account, whose keys' tokens come from here, without TLS."""
        email = f"{name}@{self.project(project).id}.iam.gserviceaccount.com"
        made = ServiceAccount(email, project, f"{self.address}/token", "googleapis.com")
        self.identities.accounts[email] = made
        return made

    def reader(self, *on: str, project: str = "acme", name: str = "reader") -> ServiceAccount:
        """Make a service account that may read these secrets; without any, all of its project."""
        made = self.service_account(name, project=project)
        for each in on or (f"projects/{project}",):
            self.grant(made, each)
        return made

    def grant(self, who: object, on: str, role: str = "secretAccessor") -> None:
        """Give somebody a role on a project or a secret; see `gcp_identities.ROLES`.

        Args:
            who: A service account, a user's address, or a principal of a pool.
            on: Such as ``projects/acme/secrets/db``.
            role: What one may do.
        """
        self.identities.grant(who, on, role)

    def take_away(self, who: object, on: str) -> None:
        """Take all roles on a project or a secret from somebody."""
        self.identities.take_away(who, on)

    def let_impersonate(self, who: object, account: object) -> None:
        """Let somebody have tokens of a service account."""
        self.grant(who, f"serviceAccounts/{account}", "serviceAccountTokenCreator")

    def user(self, email: str) -> dict[str, Any]:
        """Return what ``gcloud auth application-default login`` leaves for somebody."""
        return self.identities.user(email)

    def pool(self, issuer: Issuer, url: str, *, project: str = "acme", name: str = "ci") -> Pool:
        """Let in whom an issuer vouches for at an address.

        Args:
            issuer: Signs the tokens.
            url: Their ``iss``.
            project: Whose pool it is.
            name: The pool's id.
        """
        number = self.project(project).number
        made = f"projects/{number}/locations/global/workloadIdentityPools/{name}"
        self.identities.federate(made, issuer, url, f"https://iam.googleapis.com/{made}")
        return Pool(made, self.address)

    def be_a_machine_of(self, account: ServiceAccount | None) -> None:
        """Answer as the metadata server of a machine with this account; without one, do not."""
        self.tokens.metadata_account = account.email if account else None
        self.tokens.metadata_project = account.project if account else ""

    # ------------------------------------------------------------------------------ counting

    def asked(self, where: str = "") -> int:
        """Return how many requests came, by a part of `Asked.subject`."""
        return sum(where in each.subject for each in [*self.requests])

    @property
    def issued(self) -> list[str]:
        """For whom access tokens were issued, in order."""
        return [*self.identities.issued]

    @property
    def connections(self) -> int:
        """How many connections there were to `port`."""
        return self.wire.connections

    def forget(self) -> None:
        """Count from the beginning."""
        self.requests.clear()
        self.seen.clear()
        self.identities.issued.clear()
        self.wire.connections = 0

    def calm(self) -> Self:
        self.wire.silent, self.wire.pause, self.wire.most = False, 0.0, None
        return super().calm()

    # ----------------------------------------------------------------------------- answering

    def answer(self, asked: Asked, request: Any, authorization: str) -> Any:
        """Answer a request, whatever the transport."""
        self.requests.append(asked)
        if self.milliseconds:
            time.sleep(self.milliseconds / 1000)
        fault = self.fault(asked)
        if fault is not None and fault.kind != "spoil":
            return self._spoiled(fault)
        if isinstance(request, Seen):
            self.seen.append(request)
            return self.tokens.reply(asked, request)
        who = self.identities.principal(authorization)
        told = self._methods()[asked.what](
            request, asked.host, lambda *wanted: self.identities.allows(who, *wanted)
        )
        if fault is not None:
            told.payload.data_crc32c ^= 1
        return told

    def _methods(self) -> dict[str, Any]:
        return {
            "AccessSecretVersion": self.secrets.access,
            "GetSecretVersion": self.secrets.get_version,
            "GetSecret": self.secrets.get_secret,
            "ListSecrets": self.secrets.list_secrets,
            "ListSecretVersions": self.secrets.list_versions,
        }

    def _spoiled(self, fault: Fault) -> Reply:
        if fault.kind == "fail":
            raise Refused(fault.code, fault.message or f"invented: {fault.code}")
        if fault.kind == "hang":
            raise Unanswered
        if fault.kind == "reset":
            self.wire.cut()
            raise Dropped
        return Reply(fault.status, fault.body, fault.headers)

    def _choose(self, said: bytes) -> int:
        if is_tls(said):
            return self.grpc.port if b"h2" in protocols(said) else self.rest.port
        return self.grpc.plain_port if said[:3] == b"PRI" else self.plain_rest.port

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        self.grpc.start()
        self._stack.callback(self.grpc.stop)
        for each in (self.rest, self.plain_rest, self.wire):
            self._stack.enter_context(each)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


_METADATA = "metadata.google.internal"
