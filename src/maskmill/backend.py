"""Load Keras and its backend: imported first by the rooms that use Keras, for a terminal without TensorFlow's start-up notes."""

from maskmill.terminal import muted_stderr, working

with working("starting Keras"), muted_stderr():  # TensorFlow logs some lines before its own log level counts
    import keras  # noqa: F401
