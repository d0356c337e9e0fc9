from loopback import served  # noqa: F401  a fixture
