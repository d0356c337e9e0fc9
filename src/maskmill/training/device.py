"""What a model is trained on: the device, its precision, and the switches that make a run repeatable.

The only file but models/norms.py that names a backend's own library; everything else is keras and keras.ops.
"""

import os
import platform
from pathlib import Path
from typing import Any

import keras

PROCESSOR = Path("/proc/cpuinfo")  # Linux: what the processor is and can
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # Intel and AMD; Intel's matrix units; ARM
AMPERE = (8, 0)  # the first compute capability of NVIDIA's that computes in bfloat16


def prepare_device(*, seed: int, precision: str) -> None:
    """Seed every generator, make operations deterministic and set the layers' precision, before any model is built.

    Args:
        seed: of Python, NumPy and the backend.
        precision: float32, mixed_bfloat16, mixed_float16 or auto, as `choose_precision` takes it.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(choose_precision(precision))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()


def choose_precision(setting: str) -> str:
    """Return the Keras dtype policy that a setting means here.

    Args:
        setting: train.precision; `auto` is mixed_bfloat16 where the GPU, or without one the processor, has instructions for it,
            else float32, as emulated bfloat16 is slower. All others stay as they are.
    """
    if setting != "auto":
        return setting
    capability = _compute_capability()
    has_bfloat16 = _processor_has_bfloat16() if capability is None else capability >= AMPERE
    return "mixed_bfloat16" if has_bfloat16 else "float32"


def describe_device(precision: str) -> dict[str, str]:
    """Return what Keras computes on here: `kind` (cpu or gpu), the maker's `name`, the Keras `backend`, and the `precision`.

    Args:
        precision: train.precision; what comes back is never `auto`.
    """
    name = _accelerator_name()
    return {
        "kind": "gpu" if name else "cpu",
        "name": name or _processor_name(),
        "backend": keras.backend.backend(),
        "precision": choose_precision(precision),
    }


def describe_determinism() -> dict[str, Any]:
    """Return what decides the last bits of a CPU run: thread counts and the switches of the numerical libraries."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS", ""),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
        "keras": keras.__version__,
    }


def _accelerator_name() -> str | None:
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
            return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else None
        case "jax":
            import jax

            device = jax.devices()[0]
            return device.device_kind if device.platform in ("gpu", "cuda", "rocm") else None
        case "torch":
            import torch

            return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return None


def _compute_capability() -> tuple[int, ...] | None:
    """Return NVIDIA's number of what the GPU can, (0, 0) for a GPU of another maker, None without a GPU."""
    if _accelerator_name() is None:
        return None
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
            return details.get("compute_capability", (0, 0))
        case "jax":
            import jax

            major, _, minor = str(getattr(jax.devices()[0], "compute_capability", "")).partition(".")
            return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
        case _:
            import torch

            return (0, 0) if torch.version.hip else torch.cuda.get_device_capability(0)


def _processor_has_bfloat16() -> bool:
    flags = {flag for line in _processor_lines("flags", "Features") for flag in line.split()}  # Intel and AMD, ARM
    return bool(flags & BFLOAT16_FLAGS)


def _processor_name() -> str:
    return next(iter(_processor_lines("model name")), platform.processor() or platform.machine())


def _processor_lines(*names: str) -> list[str]:
    """Return what /proc/cpuinfo says under these names, core by core; nothing where there is no such file."""
    if not PROCESSOR.exists():
        return []
    entries = (line.partition(":") for line in PROCESSOR.read_text().splitlines())
    return [value.strip() for name, _, value in entries if name.strip() in names]
