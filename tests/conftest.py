"""For every test: the shipped conformance suites explain their failed assertions, as tests of our own do."""

import pytest

pytest.register_assert_rewrite("sedano.testing")
