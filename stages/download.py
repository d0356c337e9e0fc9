"""Download: find, fetch or unpack the pictures and masks, and list them in one manifest whatever form they come in."""

from pathlib import Path

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.outputs import new_folder
from maskmill.params import load_params
from maskmill.sources.forms import list_samples
from maskmill.sources.manifest import describe_manifest, write_manifest
from maskmill.sources.origin import open_source
from maskmill.terminal import run_stage, say

DOWNLOADS = Path(".maskmill/downloads")  # outside build/, which DVC empties before a run: a download goes on where it broke off


def main() -> None:
    params = load_params()
    with new_folder(params.paths.raw) as raw:
        unpacked = raw / "files"
        root = open_source(
            params.source.path,
            url=params.source.url,
            sha256=params.source.sha256,
            downloads=DOWNLOADS,
            unpacked=unpacked,
        )
        manifest = list_samples(
            root,
            form=params.source.form,
            images=params.source.images,
            masks=params.source.masks,
            lists=params.source.lists,
            group=params.source.group,
            limit=params.source.limit,
            name=params.source.url or str(params.source.path),
            final_root=params.paths.raw / "files" if root == unpacked else root,
        )
        write_manifest(manifest, raw / "manifest.csv")
    say(f"download: {describe_manifest(manifest, params.source.form)}")


if __name__ == "__main__":
    run_stage(main)
