"""Values come back as they were stored, whatever they are."""

from __future__ import annotations

import json
import secrets
from functools import partial

from unvault.errors import SecretDeleted, SecretNotFound, UnvaultError, VersionNotFound
from unvault.testing.author import Author
from unvault.testing.verdict import cannot, keeps

_ALPHABET = "grüße, привет, 日本語, العربية, 🗝"


class ValuePromises(Author):
    """The promises of ``fetch_secret`` where there is something to fetch."""

    def test_text_comes_back_as_it_was_stored(self) -> None:
        """Spaces at the ends and line breaks are part of it."""
        self._comes_back("text", f"  two lines,\r\nand {secrets.token_hex(8)}\n".encode())

    def test_a_map_comes_back_as_json(self) -> None:
        """The whole secret is a JSON object, of which the core takes out the field."""
        self._needs("json")
        with self._bench() as bench:
            fields = {"user": "app", "password": f'{secrets.token_hex(8)} ü"\\'}
            bench.canaries.add("the value", fields["password"])
            path = self._path(bench, "map")
            path = self.seed_map(path, fields) or path
            head = self._signed_in(bench)
            found = bench.works("a map is fetched", lambda: bench.fetch(head, path))
            text = found.reveal()
            try:
                same = json.loads(text) == fields
            except ValueError:
                same = False
            keeps("a secret that is a map has to come back as JSON, with its fields", kept=same)
            one = bench.works(
                "a field of a map is fetched", lambda: bench.fetch(head, f"{path}#password")
            )
            keeps(
                "a field of a map has to come back as it was stored",
                kept=one.text() == fields["password"],
            )

    def test_bytes_come_back_as_they_were_stored(self) -> None:
        """A value need not be text."""
        self._comes_back("binary", bytes(range(256)) + secrets.token_bytes(16))

    def test_an_empty_value_is_a_value(self) -> None:
        """It is not a missing one."""
        self._comes_back("empty", b"")

    def test_64_kib_come_back_as_they_were_stored(self) -> None:
        """Nothing is cut off."""
        self._comes_back("large", secrets.token_hex(32 * 1024).encode())

    def test_letters_of_all_languages_come_back_as_they_were_stored(self) -> None:
        """Text is UTF-8."""
        self._comes_back("non_ascii", f"{_ALPHABET} {secrets.token_hex(8)}".encode())

    def test_versions_are_told_apart(self) -> None:
        """The newest is read by default, and an old one where it is named."""
        self._has_versions()
        with self._bench() as bench:
            old, new = bench.canary("old"), bench.canary("new")
            path = self._seeded(bench, "versions", old)
            head = self._signed_in(bench)
            first = bench.reads(head, path, old, "a secret that is there is fetched")
            self.seed(self._path(bench, "versions"), new)
            second = bench.reads(head, path, new, "the newest version is read by default")
            keeps("Secret.version has to say which version was read", kept=first.version)
            keeps(
                "Secret.version has to be another one for another version",
                kept=first.version != second.version,
            )
            was = self.reads_version(path, str(first.version))
            bench.reads(head, was, old, "a version that is named is the one that is read")

    def test_a_version_that_is_not_there_is_told_apart(self) -> None:
        """The secret is there, the version is not."""
        self._has_versions()
        with self._bench() as bench:
            path = self.reads_version(self._seeded(bench, "version"), self.no_version)
            head = self._signed_in(bench)
            promise = f"version {self.no_version} of a secret, which it has not"
            bench.fails(VersionNotFound, promise, lambda: bench.fetch(head, path))

    def test_a_missing_secret_is_told_apart(self) -> None:
        """It was never there: neither deleted nor denied."""
        with self._bench() as bench:
            head = self._signed_in(bench)
            path = self._path(bench, "missing")
            error = bench.fails(
                SecretNotFound, "a secret that was never there", lambda: bench.fetch(head, path)
            )
            keeps(
                f"a secret that was never there was not deleted: it raised {type(error).__name__}",
                kept=not isinstance(error, SecretDeleted | VersionNotFound),
            )

    def test_a_deleted_secret_is_told_apart(self) -> None:
        """It was there."""
        self._needs("deletion")
        with self._bench() as bench:
            path = self._seeded(bench, "deleted")
            self.delete(self._path(bench, "deleted"))
            head = self._signed_in(bench)
            promise = "a secret that was deleted"
            bench.fails(SecretDeleted, promise, lambda: bench.fetch(head, path))

    def test_odd_paths_do_no_harm(self) -> None:
        """Whatever a reference may name, an answer is one of the core's errors."""
        with self._bench() as bench:
            head = self._signed_in(bench)
            for odd in ("..", "a//b", "ü%20ß", "%0A%0Dx", "%00", "%3F%23%25", "%5C", "x" * 3000):
                path = f"{self._path(bench, 'odd')}/{odd}"
                error = bench.raised(partial(bench.fetch, head, path))
                bench.no_fault(error, f"whatever a path is, nothing but the core's errors: {odd!r}")
                keeps(
                    f"a path that nothing was stored at has no value: {odd!r}",
                    kept=isinstance(error, UnvaultError),
                )

    def _comes_back(self, feature: str, value: bytes) -> None:
        __tracebackhide__ = True
        self._needs(feature)
        with self._bench() as bench:
            path = self._seeded(bench, feature.replace("_", "-"), value)
            head = self._signed_in(bench)
            bench.reads(head, path, value, "a value has to come back as it was stored")

    def _has_versions(self) -> None:
        __tracebackhide__ = True
        self._needs("versions")
        with self._bench() as bench:
            form = bench.provider.secret_form
            names = [name for field in (form.parameters if form else ()) for name in field.names]
            if self.version_parameter not in names and not self._gives("reads_version"):
                cannot(f"its references have no parameter {self.version_parameter!r}")
