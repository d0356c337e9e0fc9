"""maskmill: from a folder of pictures and masks to a tracked, reproducible, served segmentation model."""

import os

# What runs here reports to nobody: the libraries read these at import, so they are set before any of them.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # a bar a file is noise among ours
    "TF_CPP_MIN_LOG_LEVEL": "3",  # and TensorFlow keeps what it thinks of this machine to itself; its errors are exceptions
}.items():
    os.environ.setdefault(_name, _value)

__version__ = "0.1.0"
