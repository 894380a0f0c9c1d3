"""Tables of the documentation that are made from the code.

A page holds each between two comments, ``<!-- generated: NAME -->`` and ``<!-- end -->``. A test
compares it with what the code says now; ``python -m tests.docs.tables`` writes it anew.
"""

from __future__ import annotations

import ast
import html
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from unvault.forms import CredentialForm, Field, SecretForm

ROOT = Path(__file__).parents[2]

_REGION = re.compile(r"<!-- generated: (?P<name>[\w-]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)


def _context(command: click.Command, path: str, parent: click.Context | None) -> click.Context:
    """Return the context the command would have; click keeps the help option it makes in it."""
    return click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        help_option_names=["-h", "--help"],
    )


def errors() -> Iterator[str]:
    """Every class of `unvault.errors`, with its code and exit code, as they stand in the tree."""
    from unvault import errors
    from unvault_cli.report import exit_code

    yield "| class | code | exit code | meaning |"
    yield "|---|---|---|---|"
    for name in error_names():
        kind = getattr(errors, name)
        depth = len(kind.__mro__) - len(errors.UnvaultError.__mro__)
        indent = "&emsp;" * depth
        exits = "1, or as its tags" if name == "RenderError" else str(exit_code(kind("x")))
        meaning = (inspect.getdoc(kind) or "").splitlines()[0].replace("``", "`")
        yield f"| {indent}`{name}` | `{kind.code}` | {exits} | {meaning} |"


def error_names() -> list[str]:
    """Return the names of the error classes, in the order of the source."""
    from unvault import errors

    tree = ast.parse(inspect.getsource(errors))
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return [name for name in names if issubclass(getattr(errors, name), errors.UnvaultError)]


def floors() -> Iterator[str]:
    """The modules of the core, from the top floor down, as import-linter keeps them."""
    yield "| floor | module | what it holds |"
    yield "|---|---|---|"
    present = [layer for layer in layers() if not layer[0].startswith("(")]
    for index, modules in enumerate(present):
        for module in modules:
            source = (ROOT / "core/src/unvault" / f"{module}.py").read_text("utf-8")
            summary = (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
            yield f"| {len(present) - 1 - index} | `{module}` | {summary} |"


def layers() -> list[list[str]]:
    """Return the layers of the contract ``floors``, each as its modules."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    layered = next(contract for contract in contracts if contract["id"] == "floors")
    return [re.split(r"\s*[|:]\s*", layer) for layer in layered["layers"]]


def variables() -> Iterator[str]:
    """The environment variables of the providers that have no page of their own."""
    from unvault import Unvault

    yield "| variable | answers |"
    yield "|---|---|"
    providers = Unvault.in_memory(environ={}).providers
    for provider in ("local", "acme"):
        for kind in providers.load(provider).form:
            for field in kind.fields:
                name = field.variables(provider)[0]
                yield f"| `{name}` | `{field.name}` of `{provider}`: {field.help or field.title} |"


def fields_of(form: CredentialForm, *, with_methods: bool) -> Iterator[str]:
    """The fields of a provider's credentials, each with the types that have it."""
    found: dict[str, list[tuple[str, Field]]] = {}
    for kind in form:
        for field in kind.fields:
            found.setdefault(field.name, []).append((kind.name, field))
    yield f"| field | types |{' methods |' if with_methods else ''} kind | default | meaning |"
    yield f"|---|---|{'---|' if with_methods else ''}---|---|---|"
    for name, places in found.items():
        types = ", ".join(f"`{kind}`" for kind, _ in places)
        types = "all" if len(places) == len(form.types) > 3 else types
        field = places[0][1]
        methods = ", ".join(f"`{each}`" for each in dict(field.visible_when).get("auth_method", ()))
        defaults = [f"`{each.default}` ({kind})" for kind, each in places if each.default]
        same = len({each.default for _, each in places}) == 1
        default = f"`{field.default}`" if same and field.default else ", ".join(defaults)
        needed = [kind for kind, each in places if each.required]
        sort = f"{field.kind}{', required' if field.required else ''}"
        if needed and len(needed) < len(places):
            sort = f"{field.kind}, required ({', '.join(needed)})"
        meaning = field.help or field.title
        column = f" {methods} |" if with_methods else ""
        yield f"| `{name}` | {types} |{column} {sort} | {default} | {meaning} |"


def parameters_of(form: SecretForm) -> Iterator[str]:
    """What references to a provider are made of."""
    places = dict.fromkeys(form.path, "path") | {form.field: "field"}
    yield "| name | where | values | meaning | names in look-ups of Insomnia |"
    yield "|---|---|---|---|---|"
    for field in form.fields:
        where = places.get(field.name, "parameter")
        values = ", ".join(f"`{choice.value}`" for choice in field.choices) or field.kind
        also = ", ".join(f"`{alias}`" for alias in field.aliases)
        yield f"| `{field.name}` | {where} | {values} | {field.help} | {also} |"


def variables_of(provider: str, form: CredentialForm) -> Iterator[str]:
    """The variables that answer the fields of a provider."""
    yield "| variable | where none of these is set |"
    yield "|---|---|"
    upper = provider.upper()
    yield f"| `UNVAULT_{upper}_TYPE` | `INSOMNIA_{upper}_TYPE` |"
    fields = {field.name: field for kind in form for field in kind.fields}
    for field in fields.values():
        ours, *others = (f"`{each}`" for each in field.variables(provider))
        yield f"| {ours} | {', '.join(others)} |"


def hashicorp_fields() -> Iterator[str]:
    """The fields of the provider hashicorp's credentials."""
    from unvault_hashicorp.forms import CREDENTIAL_FORM

    return fields_of(CREDENTIAL_FORM, with_methods=True)


def hashicorp_parameters() -> Iterator[str]:
    """What references to the provider hashicorp are made of."""
    from unvault_hashicorp.forms import SECRET_FORM

    return parameters_of(SECRET_FORM)


def hashicorp_variables() -> Iterator[str]:
    """The variables that answer the fields of the provider hashicorp."""
    from unvault_hashicorp.forms import CREDENTIAL_FORM

    return variables_of("hashicorp", CREDENTIAL_FORM)


def aws_fields() -> Iterator[str]:
    """The fields of the provider aws' credentials."""
    from unvault_aws.forms import CREDENTIAL_FORM

    return fields_of(CREDENTIAL_FORM, with_methods=False)


def aws_parameters() -> Iterator[str]:
    """What references to the provider aws are made of."""
    from unvault_aws.forms import SECRET_FORM

    return parameters_of(SECRET_FORM)


def aws_variables() -> Iterator[str]:
    """The variables that answer the fields of the provider aws."""
    from unvault_aws.forms import CREDENTIAL_FORM

    return variables_of("aws", CREDENTIAL_FORM)


def azure_fields() -> Iterator[str]:
    """The fields of the provider azure's credentials."""
    from unvault_azure.forms import CREDENTIAL_FORM

    return fields_of(CREDENTIAL_FORM, with_methods=False)


def gcp_fields() -> Iterator[str]:
    """The fields of the provider gcp's credentials."""
    from unvault_gcp.forms import CREDENTIAL_FORM

    return fields_of(CREDENTIAL_FORM, with_methods=False)


def azure_parameters() -> Iterator[str]:
    """What references to the provider azure are made of."""
    from unvault_azure.forms import SECRET_FORM

    return parameters_of(SECRET_FORM)


def gcp_parameters() -> Iterator[str]:
    """What references to the provider gcp are made of."""
    from unvault_gcp.forms import SECRET_FORM

    return parameters_of(SECRET_FORM)


def azure_variables() -> Iterator[str]:
    """The variables that answer the fields of the provider azure."""
    from unvault_azure.forms import CREDENTIAL_FORM

    return variables_of("azure", CREDENTIAL_FORM)


def gcp_variables() -> Iterator[str]:
    """The variables that answer the fields of the provider gcp."""
    from unvault_gcp.forms import CREDENTIAL_FORM

    return variables_of("gcp", CREDENTIAL_FORM)


def exit_codes() -> Iterator[str]:
    """The exit codes that errors have."""
    from unvault_cli.report import EXIT_CODES

    yield "| code | for |"
    yield "|---|---|"
    for kind, code in sorted(EXIT_CODES, key=lambda row: row[1]):
        yield f"| {code} | `{kind.__name__}` and what is below it |"


def commands() -> Iterator[str]:
    """Every command with its usage, its arguments and its options."""
    from unvault_cli.root import root

    yield from _command(root, "unvault", None, level=2)


def walk() -> Iterator[tuple[str, click.Command]]:
    """Yield every command by what is typed to run it."""
    from unvault_cli.root import root

    yield from _walk(root, "unvault", None)


def _walk(
    command: click.Command, path: str, parent: click.Context | None
) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = _context(command, path, parent)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _walk(found, f"{path} {name}", context)


def _command(
    command: click.Command, path: str, parent: click.Context | None, *, level: int
) -> Iterator[str]:
    context = _context(command, path, parent)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield f"{'#' * level} `{path}`"
    yield ""
    yield f"```text\n{usage}\n```"
    yield ""
    yield from _paragraphs(inspect.cleandoc(command.help or ""))
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _command(found, f"{path} {name}", context, level=min(level + 1, 4))


def _paragraphs(text: str) -> Iterator[str]:
    """Return a help text as Markdown; what follows click's mark ``\\b`` stays as it is."""
    for paragraph in filter(None, text.split("\n\n")):
        as_it_is = paragraph.startswith("\b\n")
        yield f"```text\n{paragraph[2:]}\n```" if as_it_is else paragraph.replace("[", "\\[")
        yield ""


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    rows = []
    for option in command.get_params(context):
        shown = isinstance(option, click.Option) and not option.hidden
        if shown and "--help" not in option.opts:
            record = option.get_help_record(context)
            if record is not None:
                names, meaning = (html.escape(part).replace("|", "&#124;") for part in record)
                rows.append(f"| <code>{names}</code> | {meaning} |")
    if rows:
        yield from ["| option | meaning |", "|---|---|", *rows, ""]


GENERATED: dict[str, Callable[[], Iterator[str]]] = {
    "aws-fields": aws_fields,
    "aws-parameters": aws_parameters,
    "aws-variables": aws_variables,
    "azure-fields": azure_fields,
    "azure-parameters": azure_parameters,
    "azure-variables": azure_variables,
    "commands": commands,
    "errors": errors,
    "exit-codes": exit_codes,
    "floors": floors,
    "gcp-fields": gcp_fields,
    "gcp-parameters": gcp_parameters,
    "gcp-variables": gcp_variables,
    "hashicorp-fields": hashicorp_fields,
    "hashicorp-parameters": hashicorp_parameters,
    "hashicorp-variables": hashicorp_variables,
    "variables": variables,
}
"""What can stand between the two comments, by name."""


def regions(page: str) -> dict[str, str]:
    """Return the generated parts of a page, by name."""
    return {found["name"]: found["text"] for found in _REGION.finditer(page)}


def written(name: str) -> str:
    """Return what a generated part has to be."""
    return "\n" + "\n".join(GENERATED[name]()).strip("\n") + "\n\n"


def _renewed(found: re.Match[str]) -> str:
    name = found["name"]
    return f"<!-- generated: {name} -->\n{written(name)}<!-- end -->"


def main() -> None:
    """Write every generated part anew."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        renewed = _REGION.sub(_renewed, text)
        if renewed != text:
            page.write_text(renewed, "utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
