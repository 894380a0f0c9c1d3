"""A namespace of a server, and what a test sets up in it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.servers.answers import NotAnswered

if TYPE_CHECKING:
    from tests.servers.openbao import OpenBao
    from tests.servers.watching import Watch


class Namespace:
    """A namespace of a server, and what a test sets up in it, as root.

    Args:
        server: The server.
        path: Its path; empty for the root namespace.
    """

    def __init__(self, server: OpenBao, path: str) -> None:
        self.server = server
        self.path = path

    @property
    def address(self) -> str:
        """The server's address."""
        return self.server.address

    def call(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """Ask the API in this namespace; as `OpenBao.call`."""
        return self.server.call(method, path, body, namespace=self.path, **options)

    def child(self, name: str) -> Namespace:
        """Make a namespace inside."""
        self.call("POST", f"sys/namespaces/{name}")
        return Namespace(self.server, f"{self.path}/{name}" if self.path else name)

    def watch(self) -> Watch:
        """Return what notes the server's requests from now on."""
        return self.server.watch()

    # ------------------------------------------------------------------------------ secrets

    def mount(self, path: str, kind: str = "kv", *, version: int | None = 2) -> str:
        """Mount a secrets engine; its path may have slashes."""
        body: dict[str, Any] = {"type": kind}
        if kind == "kv":
            body["options"] = {"version": str(version)}
        self.call("POST", f"sys/mounts/{path}", body)
        if kind == "kv" and version == 2:
            self.wait_for(path)
        return path

    def wait_for(self, mount: str) -> None:
        """Wait until a new engine of KV v2 is ready: it first "upgrades" what it does not have."""
        for _ in range(200):
            with contextlib.suppress(NotAnswered):
                self.call("GET", f"{mount}/config")
                return
            time.sleep(0.01)
        raise AssertionError(mount)

    def write(self, mount: str, name: str, **fields: Any) -> int:
        """Write a secret of KV v2, and return its version."""
        reply = self.call("POST", f"{mount}/data/{name}", {"data": fields})
        return int(reply["data"]["version"])

    def write_v1(self, mount: str, name: str, **fields: Any) -> None:
        """Write a secret of KV v1."""
        self.call("POST", f"{mount}/{name}", fields)

    def delete(self, mount: str, name: str, *versions: int) -> None:
        """Delete the newest version or these ones; they can be brought back."""
        if versions:
            self.call("POST", f"{mount}/delete/{name}", {"versions": [*versions]})
        else:
            self.call("DELETE", f"{mount}/data/{name}")

    def undelete(self, mount: str, name: str, *versions: int) -> None:
        """Bring versions back."""
        self.call("POST", f"{mount}/undelete/{name}", {"versions": [*versions]})

    def destroy(self, mount: str, name: str, *versions: int) -> None:
        """Destroy versions for ever."""
        self.call("POST", f"{mount}/destroy/{name}", {"versions": [*versions]})

    # ----------------------------------------------------------------- policies and tokens

    def allow(self, name: str, paths: dict[str, str]) -> str:
        """Write a policy: capabilities, separated by commas, for each path."""
        rules = (
            f'path "{path}" {{ capabilities = {json.dumps(allowed.split(","))} }}'
            for path, allowed in paths.items()
        )
        self.call("POST", f"sys/policies/acl/{name}", {"policy": "\n".join(rules)})
        return name

    def create_token(
        self,
        *policies: str,
        ttl: str | None = None,
        uses: int = 0,
        renewable: bool = True,
        **more: Any,
    ) -> str:
        """Make a token, with the default policy too unless ``no_default_policy=True``."""
        body = {"policies": [*policies], "num_uses": uses, "renewable": renewable, **more}
        if ttl:
            body["ttl"] = ttl
        return str(self.call("POST", "auth/token/create", body)["auth"]["client_token"])

    def revoke(self, token: str) -> None:
        """Make a token invalid."""
        self.call("POST", "auth/token/revoke", {"token": token})

    def revoke_logins(self, mount: str) -> None:
        """Make all tokens invalid that came of signing in at a mount."""
        self.call("PUT", f"sys/leases/revoke-prefix/auth/{mount}/login")

    # ------------------------------------------------------------------------------ methods

    def enable(self, method: str, mount: str | None = None) -> str:
        """Enable an authentication method, and return its mount."""
        mount = mount or method
        self.call("POST", f"sys/auth/{mount}", {"type": method})
        return mount

    def approle(
        self,
        *policies: str,
        mount: str | None = None,
        role: str = "app",
        secret_id: bool = True,
        uses: int = 0,
        enable: bool = True,
        **settings: Any,
    ) -> AppRole:
        """Make a role of AppRole, with a secret id that may be used so often.

        Args:
            policies: What it may.
            mount: Where; ``approle`` by default.
            role: Its name.
            secret_id: Whether it needs one.
            uses: How often the secret id can be used; 0 means any number of times.
            enable: Whether the mount is to be made.
            settings: Others of the role's, such as ``token_ttl="2s"``.
        """
        mount = mount or "approle"
        if enable:
            self.enable("approle", mount)
        body = {"token_policies": [*policies], "bind_secret_id": secret_id, **settings}
        if secret_id:
            body["secret_id_num_uses"] = uses
        else:
            body["secret_id_bound_cidrs"] = []
            body["token_bound_cidrs"] = ["127.0.0.0/8"]
        base = f"auth/{mount}/role/{role}"
        self.call("POST", base, body)
        role_id = self.call("GET", f"{base}/role-id")["data"]["role_id"]
        made = AppRole(self, mount, role, role_id, "")
        return made._replace(secret_id=made.new_secret_id()) if secret_id else made

    def userpass(
        self, name: str, password: str, *policies: str, mount: str | None = None, **settings: Any
    ) -> str:
        """Make a user, and return the mount."""
        mount = self.enable("userpass", mount)
        body = {"password": password, "token_policies": [*policies], **settings}
        self.call("POST", f"auth/{mount}/users/{name}", body)
        return mount

    def jwt(
        self,
        public_key: str,
        *policies: str,
        mount: str | None = None,
        role: str = "app",
        audience: str = "unvault",
        default: bool = False,
        **settings: Any,
    ) -> str:
        """Let signed tokens in, and return the mount."""
        mount = self.enable("jwt", mount)
        config: dict[str, Any] = {"jwt_validation_pubkeys": [public_key]}
        if default:
            config["default_role"] = role
        self.call("POST", f"auth/{mount}/config", config)
        body = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [audience],
            "token_policies": [*policies],
            **settings,
        }
        self.call("POST", f"auth/{mount}/role/{role}", body)
        return mount

    def kubernetes(
        self,
        host: str,
        certificate: str,
        *policies: str,
        mount: str | None = None,
        role: str = "app",
        account: str = "app",
        **settings: Any,
    ) -> str:
        """Let the service accounts of a cluster in, by its CA, and return the mount."""
        mount = self.enable("kubernetes", mount)
        config = {
            "kubernetes_host": host,
            "kubernetes_ca_cert": certificate,
            "disable_local_ca_jwt": True,
        }
        self.call("POST", f"auth/{mount}/config", config)
        body = {
            "bound_service_account_names": [account],
            "bound_service_account_namespaces": ["default"],
            "token_policies": [*policies],
            **settings,
        }
        self.call("POST", f"auth/{mount}/role/{role}", body)
        return mount

    def cert(
        self,
        certificate: str,
        *policies: str,
        mount: str | None = None,
        role: str = "app",
        **settings: Any,
    ) -> str:
        """Let in who has a certificate of a CA, and return the mount."""
        mount = self.enable("cert", mount)
        body = {"certificate": certificate, "token_policies": [*policies], **settings}
        self.call("POST", f"auth/{mount}/certs/{role}", body)
        return mount


class AppRole(NamedTuple):
    """A role of AppRole."""

    namespace: Namespace
    mount: str
    role: str
    role_id: str
    secret_id: str

    def new_secret_id(self, **settings: Any) -> str:
        """Return another secret id."""
        made = self.namespace.call("POST", self._path, settings or {})
        return str(made["data"]["secret_id"])

    def wrapped_secret_id(self, ttl: str = "60s") -> str:
        """Return a token that can be unwrapped once, and brings a secret id."""
        made = self.namespace.call("POST", self._path, {}, wrap=ttl)
        return str(made["wrap_info"]["token"])

    def uses_left(self, secret_id: str) -> int | None:
        """Return how often a secret id can still be used; None where it cannot."""
        try:
            told = self.namespace.call("POST", f"{self._path}/lookup", {"secret_id": secret_id})
        except NotAnswered:
            return None
        return None if told is None else int(told["data"]["secret_id_num_uses"])

    @property
    def _path(self) -> str:
        return f"auth/{self.mount}/role/{self.role}/secret-id"
