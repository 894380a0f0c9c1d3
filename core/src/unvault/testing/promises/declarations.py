"""What a contract says of its provider is true, and its forms are complete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from unvault.forms import Field, Kind
from unvault.lookups import reference_for, request_for
from unvault.suggestions import sentence
from unvault.testing.author import Author
from unvault.testing.bench import Bench
from unvault.testing.features import FEATURES
from unvault.testing.verdict import broken, cannot, keeps

_SECRET_NAME = re.compile(r"(?:.*_)?(?:password|passphrase|token|secret|api_key|private_key)")


class DeclarationPromises(Author):
    """The declarations: of the contract, and of the provider."""

    def test_what_it_cannot_do_is_declared_truthfully(self) -> None:
        """A reason stands beside each thing that it cannot do, and it does not do it after all."""
        for name, reason in self.cannot.items():
            if name not in FEATURES:
                broken(sentence(f"cannot: there is no feature {name!r}; there are", FEATURES))
            keeps(f"cannot: {name!r} needs a reason", kept=str(reason).strip())
            for method in FEATURES[name].given:
                keeps(
                    f"cannot: {name!r} is declared, and the contract gives {method}()",
                    kept=not self._gives(method),
                )
        with self._bench() as bench:
            for name in self.cannot:
                why = self._does(bench, name)
                keeps(f"cannot: {name!r} is declared, and {why}", kept=why is None)

    def test_the_credential_form_is_complete(self) -> None:
        """A person can fill in the form, and no secret is typed in plain view."""
        with self._bench() as bench:
            form = self._described(bench, "describe_credential_form")
            keeps("the credential form has to name the vault: its label is empty", kept=form.label)
            keeps(
                "the credential form has to say what an empty credential means: its `ambient` is"
                " empty",
                kept=form.ambient,
            )
            for kind in form:
                _check_fields(kind.name, kind.fields)
            if self._gives("working"):
                bench.add(self.working(), "working")

    def test_the_secret_form_is_complete(self) -> None:
        """A filled-in form is a reference, and what it asks for is what was filled in."""
        with self._bench() as bench:
            if not bench.provider.has("describe_secret_form"):
                cannot("it has no describe_secret_form: its references have no parameters")
            form = self._described(bench, "describe_secret_form")
            required = {field.name for field in form.fields if field.required}
            keeps(
                "the secret form has to require one of the fields that make up the path",
                kept=required & {*form.path},
            )
            filled = dict.fromkeys({*form.path, *required}, "x1")
            numbers = {f.name: 1 for f in form.fields if f.kind is Kind.INTEGER and f.required}
            reference = reference_for(form, "anything", {**filled, **numbers})
            keeps(
                "a filled-in secret form has to ask for the path that was filled in",
                kept=request_for(reference, form).path == "/".join(["x1"] * len(form.path)),
            )

    def test_the_forms_are_the_same_at_every_call(self) -> None:
        """Nothing changes between two calls: the core asks once and remembers."""
        with self._bench() as bench:
            for hook in ("describe_credential_form", "describe_secret_form"):
                if bench.provider.has(hook):
                    first, second = (self._described(bench, hook) for _ in range(2))
                    keeps(f"{hook} has to return the same at every call", kept=first == second)

    def test_the_forms_are_json_schemas_and_back(self) -> None:
        """A form made into a JSON Schema, and made from it again, is the same."""
        from unvault import schema

        with self._bench() as bench:
            form = self._described(bench, "describe_credential_form")
            keeps(
                "the credential form has to come back from its JSON Schema as it was",
                kept=schema.credential_form(schema.credential_schema(form)) == form,
            )
            if bench.provider.has("describe_secret_form"):
                secret = self._described(bench, "describe_secret_form")
                keeps(
                    "the secret form has to come back from its JSON Schema as it was",
                    kept=schema.secret_form(schema.secret_schema(secret)) == secret,
                )

    @staticmethod
    def _described(bench: Bench, hook: str) -> Any:
        return bench.works(f"{hook} returns a form", lambda: bench.provider.call(hook))

    def _does(self, bench: Bench, feature: str) -> str | None:
        """Say how it shows that the provider has a feature, if it does."""
        provider, hook = bench.provider, FEATURES[feature].hook
        if hook is not None and provider.has(hook):
            return f"the provider has the hook {hook}"
        form = provider.secret_form
        if feature == "versions" and form is not None:
            for field in form.parameters:
                if self.version_parameter in field.names:
                    return f"its references have the parameter {field.name!r}"
        if feature == "refusal":
            for kind in provider.form:
                for field in kind.fields:
                    if field.hidden and field.required:
                        return f"the field {field.name!r} of {kind.name!r} is a secret it requires"
        if feature in {"network", "unreachable"} and self.endpoint is not None:
            return "the contract gives an endpoint"
        return None


def _check_fields(kind: str, fields: Iterable[Field]) -> None:
    for field in fields:
        plain = field.kind is Kind.TEXT and _SECRET_NAME.fullmatch(field.name)
        keeps(
            f"the field {field.name!r} of {kind!r} is typed in plain view: its kind has to be"
            " 'secret'",
            kept=not plain,
        )
        keeps(
            f"the field {field.name!r} of {kind!r} is a secret, and has a default",
            kept=not field.hidden or field.default is None,
        )
