"""Download: find, fetch or unpack the pictures and masks, and list them in one manifest whatever form they come in."""

from functools import partial
from pathlib import Path

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.outputs import move_path, new_folder
from maskmill.params import load_params
from maskmill.sources.forms import list_samples
from maskmill.sources.manifest import describe_manifest, write_manifest
from maskmill.sources.origin import open_source
from maskmill.sources.settings import Layout, TableColumns
from maskmill.terminal import run_stage, say

DOWNLOADS = Path(".maskmill/downloads")  # outside build/, which DVC empties before a run: a download goes on where it broke off


def main() -> None:
    params = load_params()
    layout = Layout(
        images=params.source.images,
        masks=params.source.masks,
        missing=params.source.missing,
        lists=params.source.lists,
        table=TableColumns(**params.source.table.model_dump()) if params.source.table else None,
        annotations=params.source.annotations,
        columns=params.source.columns,
        order=params.source.order,
        overlaps=params.source.overlaps,
        species=params.source.species,
        grid_sizes=params.source.grid_sizes,
        band_files=params.source.band_files,
        tile=params.source.tile,
        tile_overlap=params.source.tile_overlap,
    )
    with new_folder(params.paths.raw) as raw:
        root = open_source(
            params.source.path,
            url=params.source.url,
            sha256=params.source.sha256,
            downloads=DOWNLOADS,
            unpacked=raw / "files",
        )
        manifest = list_samples(
            root,
            form=params.source.form,
            layout=layout,
            group=params.source.group,
            annotations_dir=raw / "annotations",
            limit=params.source.limit,
            name=params.source.url or str(params.source.path),
            place=partial(move_path, old=raw, new=params.paths.raw),
        )
        write_manifest(manifest, raw / "manifest.csv")
    say(f"download: {describe_manifest(manifest, params.source.form)}")


if __name__ == "__main__":
    run_stage(main)
