"""The house rules that no linter knows."""

import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["features", "models", "serving", "training"]
HEAVY = ["torch", "torchvision", "transformers", "mlflow", "sklearn", "pandas", "joblib", "scipy", "matplotlib"]
MODULES = [m.name for p in PACKAGES for m in pkgutil.walk_packages([str(ROOT / p)], f"{p}.")]
# Files that are run, not imported.
SCRIPTS = {
    "training.pyfunc",
    "training.pyfunc_churn",
    "training.pyfunc_photos",
    "training.pyfunc_satisfaction",
    *(m for m in MODULES if m.endswith("__main__")),
}


def test_no_installed_distribution_brings_our_names() -> None:
    brought = packages_distributions()
    assert {p: brought[p] for p in PACKAGES if set(brought.get(p, ["aftersight"])) - {"aftersight"}} == {}


def test_test_folders_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize(
    "module", ["serving.service", "serving.cli", "models.triage", "models.diagnosis", "models.churn"]
)
def test_answering_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", sorted(set(MODULES) - SCRIPTS))
def test_all_is_sorted_and_true(name: str) -> None:
    module = importlib.import_module(name)
    listed = list(getattr(module, "__all__", []))
    if hasattr(module, "__path__"):
        return
    assert listed, "every module says what it offers"
    assert all(hasattr(module, x) for x in listed)
    constants = sorted(x for x in listed if x.isupper())
    classes = sorted(x for x in listed if not x.isupper() and x[0].isupper())
    functions = sorted(x for x in listed if x[0].islower())
    assert listed == constants + classes + functions


def test_readmes_name_every_command() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")]
    commands = """make demo|make test|python -m serving triage|python -m serving up|python -m training fit triage
        |python -m training audit|python -m training robustness
        |python -m serving diagnose|python -m training fit diagnosis
        |python -m training evaluate|python -m training compare|python -m training promote|python -m training rollback
        |python -m serving churn|python -m training fit churn|python -m training simulate
        |/diagnose|/churn|/triage_batch|/releases|/docs.json|/metrics"""
    for text in texts:
        assert [c for c in commands.split("|") if c.strip() not in text] == []


def test_notebooks_run() -> None:
    pytest.importorskip("sklearn", reason="notebooks need the train extra")
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        assert "def " not in code, f"{path.name} imports, it defines nothing"
        assert "class " not in code
        exec(compile(code, path.name, "exec"), {"__name__": "notebook"})  # our own file
