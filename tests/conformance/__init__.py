"""Every implementation of a port against the port's suite."""

import pytest

pytest.register_assert_rewrite("sedano.testing")
