"""A certificate authority of a test's own, and a server's certificate that it has signed.

Made with the ``openssl`` command, which comes with Debian and macOS; without it the tests are skipped, and
fail where ``CI`` is set.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files. The certificate is for 127.0.0.1 and localhost."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def for_redis(self) -> tuple[str, ...]:
        """The arguments of a server that has them; who comes needs none."""
        return (
            *("--tls-ca-cert-file", str(self.authority), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(self.certificate), "--tls-key-file", str(self.key)),
        )


def make_certificates(folder: Path) -> Certificates:
    """A new authority and a certificate of it, good for a day."""
    folder.mkdir(exist_ok=True)
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority_key, request, names = folder / "ca.key", folder / "server.csr", folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    new_key = ("-newkey", "rsa:2048", "-nodes", "-days", "1")
    _openssl("req", "-x509", *new_key, "-subj", "/CN=Test", "-keyout", authority_key, "-out", made.authority)
    _openssl("req", "-new", *new_key[:3], "-subj", "/CN=server", "-keyout", made.key, "-out", request)
    signing = ("-CA", made.authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", names)
    _openssl("x509", "-req", "-in", request, *signing, "-days", "1", "-out", made.certificate)
    return made


def _openssl(*arguments: str | Path) -> None:
    path = shutil.which("openssl")
    if path is None:
        reason = "There is no openssl command here; `apt-get install openssl` (as root) brings it."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    subprocess.run([path, *map(str, arguments)], check=True, capture_output=True)
