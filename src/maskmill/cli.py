"""The command line: each command is a thin call, and loads what it needs when it is called."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskmill.errors import ParamsError
from maskmill.terminal import run_stage, say

if TYPE_CHECKING:
    from maskmill.sources.inspection.configure import Configuration

app = typer.Typer(
    name="maskmill",
    help="From a folder of pictures and masks to a tracked, reproducible, served segmentation model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def preset(
    name: Annotated[str, typer.Argument(help="presets/NAME.yaml")] = "",
    source: Annotated[str | None, typer.Option(help="a local folder or archive to take the data from")] = None,
    pick: Annotated[list[str] | None, typer.Option(help="auto: the reading that is meant, by its name")] = None,
    show: Annotated[bool, typer.Option("--list", help="show the presets, one a line")] = False,
) -> None:
    """Write params.yaml: the defaults and one preset's differences; `auto` looks at --source and chooses the settings."""
    from maskmill.presets import AUTO, list_presets, write_auto_params, write_params

    if show or not name:
        presets = list_presets()
        width = max(map(len, presets), default=0) + 1
        say(f"{AUTO:<{width}} Chosen for the data at SOURCE, whatever it is")
        for known, description in presets.items():
            say(f"{known:<{width}} {description}")
        return
    if name == AUTO:
        if source is None:
            raise ParamsError("preset auto needs the data", fix="make preset P=auto SOURCE=path/of/a/folder/or/archive")
        _show(write_auto_params(source, picks=pick or ()))
        say("\nparams.yaml now holds these settings over the defaults. Next: dvc repro")
        return
    write_params(name, source=source)
    say(f"params.yaml now holds presets/{name}.yaml over the defaults. Next: dvc repro")


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="a folder or an archive")],
    pick: Annotated[list[str] | None, typer.Option(help="the reading that is meant, by its name")] = None,
) -> None:
    """Look at a stranger's pictures and masks and say what they are; nothing is written."""
    from maskmill.sources.inspection.configure import guess_configuration

    _show(guess_configuration(path, pick or ()))


def _show(configuration: "Configuration") -> None:
    from maskmill.sources.inspection.report import describe_configuration

    for line in describe_configuration(configuration):
        say(line)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def experiment(context: typer.Context, stage: str) -> None:
    """Run a DVC experiment up to STAGE with --NAME VALUE settings changed (what `mlflow run` calls)."""
    from maskmill.experiments import run_experiment

    sys.exit(run_experiment(stage, context.args))


@app.command()
def register(
    run_folder: Annotated[Path, typer.Argument(help="model.keras, params.yaml, history.csv and run.json of a training elsewhere")],
) -> None:
    """Take a model that was trained elsewhere through evaluation, gate and registration."""
    from maskmill.adoption import adopt_run
    from maskmill.params import load_params

    registration = adopt_run(run_folder, load_params())
    say(f"registered {registration['name']} version {registration['version']}, alias {' and '.join(registration['aliases'])}")
    say(registration["gate"]["reason"])
    say(f"tables and pictures: {run_folder / 'evaluation'}")


@app.command()
def summary(port: Annotated[int, typer.Option(help="where the model is to be served")] = 5001) -> None:
    """Show the last run's figures, where its pictures are, and the next commands."""
    from maskmill.params import load_params
    from maskmill.summary import show_summary

    show_summary(load_params(), port=port)


@app.command()
def folds() -> None:
    """Show the figures of each fold, mean and spread, of the runs that differ in split.fold alone."""
    from maskmill.folds import find_sweeps, show_sweep
    from maskmill.params import load_params
    from maskmill.registry.tracking import connect

    params = load_params()
    for sweep in find_sweeps(connect(params.tracking.uri, params.tracking.experiment)):
        show_sweep(sweep)


@app.command()
def report(out: Annotated[Path, typer.Option(help="the HTML file to write")] = Path("build/report.html")) -> None:
    """Write the results page: of each preset the newest evaluated training, in one file that opens without a network."""
    from maskmill.params import load_params
    from maskmill.presets import PRESETS
    from maskmill.reporting.choosing import open_store
    from maskmill.reporting.page import write_report

    params = load_params()
    count = write_report(open_store(params.tracking.uri, params.tracking.experiment), out, presets=PRESETS)
    say(f"{count} {'section' if count == 1 else 'sections'}, one a preset: {out}")


def run() -> None:
    """Run the command line, errors as messages."""
    run_stage(app)
