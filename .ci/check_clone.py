"""Ask the MLflow store of a freshly reproduced clone for its new version and metrics, then serve it and send the printed curl."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow

from maskmill.params import load_params

PORT = 5017
SECONDS_TO_START = 180


def main() -> None:
    params = load_params()
    name = params.register_.name
    uri = f"sqlite:///{Path('mlflow.db').resolve()}"
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    version = client.get_model_version_by_alias(name, "candidate")
    metrics = client.get_run(version.run_id).data.metrics
    assert 0.0 < metrics["test_dice"] <= 1.0, metrics
    figures = f"test dice {metrics['test_dice']:.4f}, IoU {metrics['test_iou']:.4f}"
    print(f"{name} version {version.version}, run {version.run_id}: {figures}")
    serve_and_ask(name, uri)


def serve_and_ask(name: str, uri: str) -> None:
    """Start the server as the summary says, send the curl that it prints, and look at the mask that comes back."""
    summary = subprocess.run(["maskmill", "summary", "--port", str(PORT)], check=True, capture_output=True, text=True).stdout
    curl = next(line.strip() for line in summary.splitlines() if "curl" in line and "/invocations" in line)
    command = ["mlflow", "models", "serve", "-m", f"models:/{name}@candidate", "--env-manager", "local", "--port", str(PORT)]
    server = subprocess.Popen(command, env={**os.environ, "MLFLOW_TRACKING_URI": uri}, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{PORT}/ping", server)
        answer = subprocess.run(["bash", "-c", curl], check=True, capture_output=True, text=True).stdout
        print(answer)
        assert Path("mask.png").read_bytes().startswith(b"\x89PNG"), "the curl wrote no mask.png"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def wait_for(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(1)
    sys.exit(f"the server did not answer within {SECONDS_TO_START} s")


if __name__ == "__main__":
    main()
