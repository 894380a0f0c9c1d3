"""A provider with one of everything a form can ask, for the command to ask it."""

HOUSE = """
from unvault.errors import CredentialRejected
from unvault.forms import Choice, CredentialForm, CredentialType, Field
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret

PASSWORD = CredentialType(
    "password",
    label="User and password",
    help="For people.",
    fields=[
        Field("user", required=True, help="As you sign in to the house."),
        Field("password", kind="secret", required=True),
        Field("port", kind="integer", default=8200),
        Field("pin", label="PIN", kind="secret", pattern="[0-9]{4}", pattern_help="four digits"),
    ],
)
METHOD = CredentialType(
    "method",
    label="A method",
    aliases=("theirMethod",),
    fields=[
        Field("url", label="Address", kind="url", required=True, aliases=("address",)),
        Field("secure", kind="flag", default=True),
        Field("method", kind="choice", choices=[Choice("none"), Choice("key", "A key")],
              default="none"),
        Field("key_id", label="Key", required=True, visible_when={"method": "key"}),
        Field("note"),
    ],
)


@hookimpl
def describe_credential_form():
    return CredentialForm(
        "House",
        types=[PASSWORD, METHOD],
        help="A house with doors.",
        ambient="an open door",
        permissions={"get": "enter:\\n  the house", "list": "look:\\n  through windows"},
    )


@hookimpl
def authenticate(credential):
    if credential.answers.text("password") == "wrong-canary":
        raise CredentialRejected("the house refused the password")
    return Session(client=dict(credential.answers), identity=credential.answers.text("user"))


@hookimpl
def fetch_secret(session, request):
    return Secret(str(sorted(session.client)))
"""

GUESTS = """
from unvault.forms import CredentialForm, CredentialType, Field
from unvault.hookspecs import hookimpl
from unvault.model import Session
from unvault.secret import Secret

DOOR = Field("door", required=True)


@hookimpl
def describe_credential_form():
    guest = CredentialType("guest", fields=[DOOR], named_by_sign_in=True)
    return CredentialForm("Guests", types=[guest, CredentialType("key", fields=[DOOR])])


@hookimpl
def authenticate(credential):
    return Session(client=None, suggested_name="ann@example.com")


@hookimpl
def fetch_secret(session, request):
    return Secret("x")
"""
