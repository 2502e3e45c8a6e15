"""A state folder may have any name that a folder can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.settings import load_settings
from remotesupport.store import Store

CONFIG = '[main]\nurl = "http://127.0.0.1:1/billmgr"\n'


@pytest.mark.parametrize("name", ["is it?", "a#b", "100%", "a%20b", "a%3Fb", "with blank", "ünï", "a&b=c"])
def test_the_store_is_in_its_folder(tmp_path: Path, name: str) -> None:
    """R25: the store of a state folder is in that folder, whatever signs of an address its name holds."""
    file = tmp_path / "remotesupport.toml"
    file.write_text(CONFIG)
    settings = load_settings(file, {"REMOTESUPPORT_HOME": str(tmp_path / name)})
    for _ in range(2):
        with Store.open(settings.database_url) as store:
            store.migrate()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "remotesupport.toml"])
    assert (tmp_path / name / "remotesupport.sqlite3").stat().st_size > 0
