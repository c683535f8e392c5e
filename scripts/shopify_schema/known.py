"""The names of all types and fields that Shopify has, so that the twin can tell a gap of its own from a misspelt name."""

from .full import Full

KINDS = ("OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT")


def known_names(schemas: list[Full]) -> str:
    """A line for each type: `Order id name newField:26-10`, a field with the versions that have it unless all do."""
    versions: dict[str, dict[str, list[str]]] = {}
    for full in schemas:
        for name, type_ in full.types.items():
            if type_["kind"] in KINDS and not name.startswith("__"):
                fields = versions.setdefault(name, {})
                for field in [*(type_.get("fields") or ()), *(type_.get("inputFields") or ())]:
                    fields.setdefault(field["name"], []).append(full.version[2:])
    return "".join(f"{' '.join([name, *_fields(fields, len(schemas))])}\n" for name, fields in sorted(versions.items()))


def _fields(fields: dict[str, list[str]], all_versions: int) -> list[str]:
    return [
        name if len(versions) == all_versions else f"{name}:{','.join(versions)}"
        for name, versions in sorted(fields.items())
    ]
