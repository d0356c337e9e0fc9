"""What a model is trained on: the device, its precision, and the switches that make a run repeatable.

The only file that names a backend's own library; everything else is keras and keras.ops.
"""

import os
import platform
from pathlib import Path
from typing import Any

import keras


def prepare_device(*, seed: int, precision: str) -> None:
    """Seed every generator, make operations deterministic and set the layers' precision, before any model is built.

    Args:
        seed: of Python, NumPy and the backend.
        precision: a Keras dtype policy: float32, mixed_bfloat16 or mixed_float16.
    """
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()


def describe_device() -> dict[str, str]:
    """Return the device that Keras computes on here: `kind` (cpu or gpu), the maker's `name`, and the Keras `backend`."""
    name = _accelerator_name()
    return {"kind": "gpu" if name else "cpu", "name": name or _processor_name(), "backend": keras.backend.backend()}


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


def _processor_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
