"""dvc.yaml against the stages: what a stage imports is among its deps, what it reads of params.yaml among its params."""

import ast
from pathlib import Path, PurePosixPath

import pytest
from ruamel.yaml import YAML

from maskmill.train_sections import NOT_OF_A_TRIAL, TrainParams

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "maskmill"
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
# Settings that say where and with how many hands, not what comes out.
FREE_SECTIONS = {"paths", "compute", "tracking"}
CHOSEN_RECIPE = {"augment.recipe", "augment.recipes.${augment.recipe}"}  # a change of another recipe repeats nothing


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_files(name: str) -> list[Path]:
    """The files that importing `name` runs: the module and the __init__ of each package above it; none if it is not ours."""
    parts = name.split(".")
    if parts[0] != "maskmill":
        return []
    found = []
    for length in range(1, len(parts) + 1):
        place = PACKAGE.joinpath(*parts[1:length])
        if (place / "__init__.py").exists():
            found.append(place / "__init__.py")
        elif place.with_suffix(".py").exists():
            found.append(place.with_suffix(".py"))
    return found


def imported(path: Path) -> set[Path]:
    files: set[Path] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files.update(module_files(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            files.update(module_files(node.module))
            for alias in node.names:
                files.update(module_files(f"{node.module}.{alias.name}"))
    return files


def transitive_imports(script: Path) -> set[Path]:
    seen: set[Path] = set()
    waiting = imported(script)
    while waiting:
        path = waiting.pop()
        seen.add(path)
        waiting |= imported(path) - seen
    return seen


def settings_read(script: Path) -> set[str]:
    """`params.section` and `params.section.key` chains, as dvc.yaml names them."""
    keys = set()
    tree = parse(script)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        chain: list[str] = []
        base: ast.expr = node if isinstance(node, ast.Attribute) and id(node) not in inner else ast.Constant(None)
        while isinstance(base, ast.Attribute):
            chain.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name) and base.id == "params" and chain:
            section = chain[0].removesuffix("_")
            if section in FREE_SECTIONS:
                continue
            if chain == ["train", "of_a_trial"]:
                keys |= {f"train.{name}" for name in set(TrainParams.model_fields) - NOT_OF_A_TRIAL}
                continue
            if chain[0] == "augment" and len(chain) > 1 and chain[1] in ("chosen", "offline"):
                keys |= CHOSEN_RECIPE
                continue
            whole = len(chain) == 1 or chain[1] == "model_dump"
            keys.add(section if whole else f"{section}.{chain[1]}")
    return keys


def covered(path: Path, deps: list[str]) -> bool:
    place = PurePosixPath(path.relative_to(ROOT).as_posix())
    return any(place == PurePosixPath(dep) or PurePosixPath(dep) in place.parents for dep in deps)


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_every_file_that_the_stage_imports(stage: str) -> None:
    script = ROOT / "stages" / f"{stage}.py"
    deps = STAGES[stage]["deps"]
    needed = {script, ROOT / "stages" / "_checkout.py"} | transitive_imports(script)
    missing = sorted(path.relative_to(ROOT).as_posix() for path in needed if not covered(path, deps))
    assert not missing, f"dvc.yaml, stage {stage}: add to deps: {missing}"


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_no_code_that_the_stage_does_not_import(stage: str) -> None:
    scripts = {ROOT / "stages" / f"{stage}.py", ROOT / "stages" / "_checkout.py"}
    used = transitive_imports(ROOT / "stages" / f"{stage}.py") | scripts
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("src/", "stages/"))]
    idle = [dep for dep in code if not any(covered(path, [dep]) for path in used)]
    assert not idle


@pytest.mark.parametrize("stage", STAGES)
def test_params_name_every_setting_that_the_stage_reads(stage: str) -> None:
    named = set(STAGES[stage]["params"])
    read = settings_read(ROOT / "stages" / f"{stage}.py")
    missing = sorted(key for key in read if key not in named and key.split(".")[0] not in named)
    assert not missing, f"dvc.yaml, stage {stage}: add to params: {missing}"
    idle = sorted(key for key in named if not any(r == key or r.startswith(f"{key}.") for r in read))
    assert not idle, f"dvc.yaml, stage {stage}: reads none of {idle}"


def test_tune_is_independent_of_the_length_of_the_final_training() -> None:
    params = STAGES["tune"]["params"]
    assert "train" not in params
    assert not {f"train.{name}" for name in NOT_OF_A_TRIAL} & set(params)


def test_a_missing_dependency_is_noticed() -> None:
    used = transitive_imports(ROOT / "stages" / "train.py")
    assert PACKAGE / "training" / "losses.py" in used
    assert not covered(PACKAGE / "training" / "losses.py", ["src/maskmill/models", "stages/train.py"])
