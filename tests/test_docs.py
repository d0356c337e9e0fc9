"""The documentation keeps its word: the tests that it names are there, and what it shows of params.yaml is right."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from maskmill.labels import build_class_table
from maskmill.params import load_params
from maskmill.presets import write_params
from maskmill.sources.forms import FORMS
from maskmill.sources.patterns import compile_pattern

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
DATA = (ROOT / "docs/data.md").read_text(encoding="utf-8")
SNIPPETS = [snippet for page in PAGES for snippet in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)]
REFERENCE = re.compile(r"(?:(?P<file>[\w/]+\.py)::)?(?P<test>test_\w+)(?:\[(?P<case>\w+)\])?")


def list_rows(page: Path) -> list[tuple[str, str]]:
    """Return (first cell, last cell) of the rows of tables whose last column is headed "test"."""
    rows: list[tuple[str, str]] = []
    is_test_table = False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or cells[-1].startswith("---"):
            is_test_table = is_test_table and bool(cells)
        elif is_test_table:
            rows.append((cells[0], cells[-1]))
        else:
            is_test_table = cells[-1] == "test"
    return rows


def find_problems(cell: str) -> list[str]:
    """Say of a cell's references which name no test; one without a file is in the file of the one before."""
    problems: list[str] = []
    file = ""
    for text in cell.split(", "):
        found = REFERENCE.fullmatch(text)
        if found is None:
            problems.append(f"{text!r} is no reference")
            continue
        file = found["file"] or file
        path = ROOT / "tests" / file
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        names = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
        if found["test"] not in names:
            problems.append(f"{file or 'no file'} has no {found['test']}")
        elif found["case"] and f'"{found["case"]}"' not in source:
            problems.append(f"{file}::{found['test']} has no case {found['case']}")
    return problems


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    problems = [f"{wrong}: {problem}" for wrong, cell in list_rows(page) for problem in find_problems(cell)]
    assert not problems, "\n".join(problems)


def test_a_wrong_reference_is_noticed() -> None:
    assert find_problems("test_docs.py::test_a_wrong_reference_is_noticed, test_every_test_that_a_page_names_is_there") == []
    assert find_problems("test_docs.py::test_of_nothing") == ["test_docs.py has no test_of_nothing"]
    assert find_problems("sources/test_of_nothing.py::test_a") == ["sources/test_of_nothing.py has no test_a"]
    assert find_problems("test_docs.py") == ["'test_docs.py' is no reference"]
    assert len(find_problems("stages/test_bad_input.py::test_a_bad_file_is_named_with_its_fix[no_such_case]")) == 1


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_its_section_and_its_table_of_bad_input(form: str) -> None:
    bad_input = DATA.partition("## Bad input")[2]
    assert f"### {form}\n" in DATA.partition("## Bad input")[0]
    assert re.search(rf"### {form}\n\n\| wrong \| what happens \| test \|\n", bad_input)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: re.sub(r"\W+", "_", snippet[:60]))
def test_what_is_shown_of_params_is_right(snippet: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "presets/default.yaml", tmp_path)
    (tmp_path / "snippet.yaml").write_text(snippet, encoding="utf-8")
    write_params("snippet", source=None, target=tmp_path / "params.yaml", folder=tmp_path)
    params = load_params(tmp_path / "params.yaml")
    build_class_table(entry.model_dump() for entry in params.classes)
    if "source:" in snippet and params.source.images and params.source.group and not params.source.table:
        fields = compile_pattern(params.source.images, "source.images").fields
        assert set(re.findall(r"\{(\w+)\}", params.source.group)) <= set(fields)


def test_snippets_of_all_forms_are_shown() -> None:
    shown = set(re.findall(r"^  form: (\w+)$", DATA, re.MULTILINE))
    assert shown == set(FORMS)


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES, *(ROOT / "docs/decisions").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))]
    assert links
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("room", ["", "labels", "sources", "sources/inspection", "data"])
def test_the_architecture_names_every_file(room: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    files = [path for path in (ROOT / "src/maskmill" / room).glob("*.py") if path.stem != "__init__"]
    text = page.partition("## Inspection")[2] if room == "sources/inspection" else page
    assert files
    assert [path.name for path in files if not re.search(rf"\b{path.stem}\b", text)] == []
