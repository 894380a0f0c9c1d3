"""The messages of Secret Manager's API that are used here, as protobuf has them.

The package google-cloud-secret-manager has them all, and takes 150 ms to import: longer than
everything else that one fetch takes. They are of a pool of their own, so that both can be in one
process.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: TID253

FIELDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "AccessSecretVersionRequest": (("name", 1, "string"),),
    "SecretPayload": (("data", 1, "bytes"), ("data_crc32c", 2, "int64")),
    "AccessSecretVersionResponse": (("name", 1, "string"), ("payload", 2, "SecretPayload")),
    "ListSecretsRequest": (
        ("parent", 1, "string"),
        ("page_size", 2, "int32"),
        ("page_token", 3, "string"),
        ("filter", 4, "string"),
    ),
    "Secret": (("name", 1, "string"),),
    "ListSecretsResponse": (("secrets", 1, "Secret*"), ("next_page_token", 2, "string")),
}
"""The fields of each message: name, number and type, with a star where there may be many."""

_PACKAGE = "unvault.gcp"
_PLAIN = {"string": 9, "bytes": 12, "int32": 5, "int64": 3}
_MESSAGE, _ONE, _MANY = 11, 1, 3


def _classes() -> dict[str, Any]:
    # Of the older syntax, in which every field can be told from one that is not there.
    file = descriptor_pb2.FileDescriptorProto(
        name="unvault_gcp.proto", package=_PACKAGE, syntax="proto2"
    )
    for message, fields in FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            plain = _PLAIN.get(kind)
            label = _MANY if kind.endswith("*") else _ONE
            field = declared.field.add(name=name, number=number, label=label)
            field.type = plain or _MESSAGE
            if plain is None:
                field.type_name = f".{_PACKAGE}.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in FIELDS
    }


CLASSES = _classes()
"""The messages' classes, by name."""
