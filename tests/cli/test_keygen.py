"""`pygase keygen`: keys for a server whose players know its fingerprint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pygase import Client, GameStateStore, Server, tokens
from pygase.cli import main


def test_keys_are_written_and_their_fingerprint_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "server.keys"
    assert main(["keygen", str(file)]) == 0
    said = capsys.readouterr().out
    keys = tokens.load_keys(file)
    assert keys.fingerprint in said
    assert str(file) in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of files")
def test_only_their_owner_can_read_them(tmp_path: Path) -> None:
    file = tmp_path / "server.keys"
    main(["keygen", str(file)])
    assert file.stat().st_mode & 0o077 == 0


def test_existing_file_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "server.keys"
    file.write_text("precious")
    assert main(["keygen", str(file)]) == 1
    assert file.read_text() == "precious"
    assert str(file) in capsys.readouterr().err


def test_folder_that_does_not_exist_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keygen", str(tmp_path / "nowhere" / "server.keys")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_a_command_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_command_is_installed() -> None:
    run = "import sys, pygase.cli; sys.exit(pygase.cli.main(['--help']))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "keygen" in done.stdout


def test_server_with_the_keys_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "server.keys"
    main(["keygen", str(file)])
    keys = tokens.load_keys(file)
    server = Server(GameStateStore())
    server.run_in_thread(keys=keys)
    assert server.fingerprint == keys.fingerprint
    client = Client()
    client.connect_in_thread(server.port or 0, f"pygase://127.0.0.1:{server.port}/#{keys.fingerprint}")
    client.wait_until(lambda game_state: game_state.game_status == 0, timeout=10.0)
    client.disconnect()
    server.shutdown()
