"""Who there is in Entra ID: tenants, people, and applications."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.servers.entra_errors import Refused

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The application that azure-identity signs in as where it is told of no other."""
VAULTS = "https://vault.azure.net"
_SEVERAL = {"common", "organizations"}
RESOURCES = {
    VAULTS: "Azure Key Vault",
    "https://vault.azure.cn": "Azure Key Vault",
    "https://vault.usgovcloudapi.net": "Azure Key Vault",
    "https://managedhsm.azure.net": "Managed HSM",
    "https://management.azure.com": "Azure Resource Manager",
    "https://graph.microsoft.com": "Microsoft Graph",
}


def _number() -> str:
    return str(uuid.uuid4())


@attrs.define(eq=False)
class Tenant:
    """An organization."""

    domain: str
    id: str = attrs.field(factory=_number)
    resources: set[str] = attrs.field(factory=lambda: set(RESOURCES))
    """What tokens can be had for; what else is asked for is not found (500011)."""


@attrs.define(eq=False)
class Person:
    """Somebody who can sign in."""

    name: str
    password: str
    tenant: Tenant
    oid: str = attrs.field(factory=_number)
    guest_of: list[Tenant] = attrs.field(factory=list)
    """Tenants that this person was invited to."""
    consents: set[tuple[str, str]] = attrs.field(factory=set)
    """Applications that were allowed, each with the resource."""
    may_consent: bool = True
    disabled: bool = False
    needs_mfa: bool = False
    """Refuse what refreshes or signs in without a page, until a page was answered again (50076)."""
    blocked: bool = False
    """By conditional access (53003)."""

    def belongs_to(self, tenant: Tenant) -> bool:
        """Whether this person is a member or a guest."""
        return tenant is self.tenant or tenant in self.guest_of


@attrs.define(eq=False)
class Federated:
    """A trust in tokens of somebody else."""

    issuer: str
    subject: str
    public_key: str
    audience: str = "api://AzureADTokenExchange"


@attrs.define(eq=False)
class App:
    """An application, and what it proves itself with."""

    name: str
    tenant: Tenant
    client_id: str = attrs.field(factory=_number)
    oid: str = attrs.field(factory=_number)
    """Of its service principal."""
    public: bool = False
    """Whether it signs people in without a secret of its own."""
    multi_tenant: bool = False
    first_party: bool = False
    """Microsoft's own: nobody is asked for consent."""
    redirects: list[str] = attrs.field(factory=lambda: ["http://localhost"])
    """Where answers may go; any port is fine at localhost."""
    client_secrets: dict[str, float] = attrs.field(factory=dict)
    """Each with the time when it ends."""
    certificates: list[x509.Certificate] = attrs.field(factory=list)
    federated: list[Federated] = attrs.field(factory=list)

    def new_secret(self, *, ends: float = float("inf")) -> str:
        """Return a client secret that is valid from now on."""
        made = f"{secrets.token_urlsafe(6)}~{secrets.token_urlsafe(24)}"
        self.client_secrets[made] = ends
        return made

    def thumbprints(self, hashed: hashes.HashAlgorithm) -> dict[bytes, x509.Certificate]:
        """Return its certificates by their thumbprints."""
        return {each.fingerprint(hashed): each for each in self.certificates}

    def allows(self, uri: str) -> bool:
        """Whether an answer may be sent there."""
        host, _, rest = uri.removeprefix("http://").partition(":")
        port = rest.partition("/")[0]
        at_localhost = uri.startswith("http://") and host == "localhost" and port.isdigit()
        plain = f"http://localhost{rest.removeprefix(port).rstrip('/')}" if at_localhost else uri
        return plain in self.redirects or uri in self.redirects


class Directory:
    """All of them."""

    def __init__(self) -> None:
        self.tenants: list[Tenant] = []
        self.people: list[Person] = []
        self.apps: list[App] = []

    def new_tenant(self, domain: str) -> Tenant:
        """Return an organization that owns a domain."""
        self.tenants.append(made := Tenant(domain))
        return made

    def new_person(self, name: str, tenant: Tenant, **known: Any) -> Person:
        """Return somebody with a password of their own; see `Person` for what else can be said."""
        password = known.pop("password", f"canary-password-{secrets.token_hex(8)}")
        self.people.append(made := Person(f"{name}@{tenant.domain}", password, tenant, **known))
        return made

    def new_app(self, name: str, tenant: Tenant, **known: Any) -> App:
        """Return an application; see `App` for what else can be said."""
        self.apps.append(made := App(name, tenant, **known))
        return made

    def tenant(self, name: str) -> Tenant | None:
        """Return a tenant by its id or domain; None for whichever the person belongs to.

        Raises:
            Refused: There is none (90002).
        """
        if name in _SEVERAL:
            return None
        for each in self.tenants:
            if name in {each.id, each.domain}:
                return each
        raise Refused(90002, tenant=name)

    def app(self, client_id: str, tenant: Tenant | None) -> App:
        """Return an application that can be used in a tenant.

        Raises:
            Refused: It is not known there (700016), or not in every tenant (50194).
        """
        for each in self.apps:
            if each.client_id == client_id:
                if each.multi_tenant or each.tenant is tenant:
                    return each
                if tenant is None:
                    raise Refused(50194, app=client_id, name=each.name)
        where = tenant.domain if tenant else "common"
        raise Refused(700016, app=client_id, tenant=where)

    def person(self, name: str, password: str) -> Person:
        """Return who signs in.

        Raises:
            Refused: There is no such person (50034), or the password is another (50126).
        """
        found = next((each for each in self.people if each.name.lower() == name.lower()), None)
        if found is None:
            raise Refused(50034, user=name)
        if found.password != password:
            raise Refused(50126)
        if found.disabled:
            raise Refused(50057)
        return found


def placed(person: Person, tenant: Tenant | None, app: App) -> Tenant:
    """Return the tenant whose tokens a person gets.

    Raises:
        Refused: The person does not belong to it (50020).
    """
    tenant = tenant or person.tenant
    if not person.belongs_to(tenant):
        raise Refused(
            50020,
            user=person.name,
            home=person.tenant.id,
            tenant=tenant.domain,
            app=app.client_id,
            name=app.name,
        )
    return tenant


def resource_of(scope: str, tenant: Tenant) -> str:
    """Return what a token is asked for, by the scopes of a request.

    Raises:
        Refused: It is not one thing (70011), or unknown (500011).
    """
    found = {
        each.rpartition("/")[0].rstrip("/") for each in scope.split() if each.startswith("https://")
    }
    if len(found) != 1:
        raise Refused(70011)
    resource = found.pop()
    if resource not in tenant.resources:
        raise Refused(500011, resource=resource, tenant=tenant.domain)
    return resource
