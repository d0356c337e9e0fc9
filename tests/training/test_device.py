"""The precision that `auto` means, by what the processor says of itself."""

from pathlib import Path

import keras
import pytest

from maskmill.training import device

INTEL = """processor\t: 0
model name\t: A Processor
flags\t\t: fpu avx2 avx512f {flags}

processor\t: 1
model name\t: A Processor
flags\t\t: fpu avx2 avx512f {flags}
"""
ARM = """processor\t: 0
Features\t: fp asimd {flags}
CPU part\t: 0xd40
"""


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """These are of the processor, whatever else the machine has."""
    monkeypatch.setattr(device, "_compute_capability", lambda: None)


@pytest.mark.parametrize(
    ("processor", "chosen"),
    [
        (INTEL.format(flags="avx512_bf16"), "mixed_bfloat16"),
        (INTEL.format(flags="amx_tile amx_bf16"), "mixed_bfloat16"),
        (INTEL.format(flags="avx512_fp16 amx_tile amx_int8"), "float32"),
        (INTEL.format(flags="").replace("A Processor", "avx512_bf16"), "float32"),  # the name is no flag
        (ARM.format(flags="svebf16 bf16"), "mixed_bfloat16"),
        (ARM.format(flags="fphp asimdhp"), "float32"),
        ("", "float32"),
    ],
)
def test_auto_follows_the_flags(processor: str, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(processor)
    monkeypatch.setattr(device, "PROCESSOR", tmp_path / "cpuinfo")
    assert device.choose_precision("auto") == chosen
    assert device.describe_device("auto")["precision"] == chosen


def test_without_a_description_of_the_processor_it_is_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "PROCESSOR", tmp_path / "none")
    assert device.choose_precision("auto") == "float32"
    assert device.describe_device("float32")["name"]


@pytest.mark.parametrize(
    ("capability", "chosen"), [((9, 0), "mixed_bfloat16"), ((8, 0), "mixed_bfloat16"), ((7, 5), "float32"), ((0, 0), "float32")]
)
def test_a_gpu_decides_before_the_processor(
    capability: tuple[int, int], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = "" if chosen == "mixed_bfloat16" else "amx_bf16"
    (tmp_path / "cpuinfo").write_text(INTEL.format(flags=flags))
    monkeypatch.setattr(device, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(device, "_compute_capability", lambda: capability)
    assert device.choose_precision("auto") == chosen


@pytest.mark.parametrize("setting", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_what_is_given_stays(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "PROCESSOR", Path("/nowhere"))
    assert device.choose_precision(setting) == setting
    assert device.describe_device(setting)["precision"] == setting


def test_the_layers_get_the_chosen_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(INTEL.format(flags="avx512_bf16"))
    monkeypatch.setattr(device, "PROCESSOR", tmp_path / "cpuinfo")
    before = keras.config.dtype_policy()
    try:
        device.prepare_device(seed=0, precision="auto")
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy(before)
