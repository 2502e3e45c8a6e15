"""What no engine runs here: the Dockerfile, compose and Kubernetes files, by linter, by schema, and name by name."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files as of_package
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields
from typer.main import get_command

from deployments import settings_env
from deployments.worker_name import DEFAULT_POOL
from remotesupport.cli.main import app
from remotesupport.settings import CONFIG_VARIABLE, DATABASE_VARIABLE, HOME_VARIABLE

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deployments" / "compose" / "compose.yaml"
KUBERNETES = ROOT / "deployments" / "kubernetes"
OURS = {CONFIG_VARIABLE, DATABASE_VARIABLE, HOME_VARIABLE}
OTHERS = {"DO_NOT_TRACK", "GX_ANALYTICS_ENABLED", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
OLDEST_KUBERNETES = "1.31"
SERVER_ONLY = {
    "PREFECT_HOME", "PREFECT_SERVER_ENCRYPTION_KEY", "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_SERVER_UI_API_URL",
    "PREFECT_SERVER_UI_STATIC_DIRECTORY",
}  # fmt: skip


@cache
def kustomization() -> dict[str, Any]:
    """kustomization.yaml."""
    found: dict[str, Any] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    return found


@cache
def resources() -> tuple[dict[str, Any], ...]:
    """Every object of every file that the kustomization lists."""
    texts = [(KUBERNETES / name).read_text() for name in kustomization()["resources"]]
    return tuple(found for text in texts for found in yaml.safe_load_all(text))


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod specification of everything that runs."""
    for one in resources():
        if "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each container with its pod specification."""
    for _, pod in pods():
        for container in pod["containers"]:
            yield pod, container


def services() -> dict[str, dict[str, Any]]:
    """The services of the composition."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def env_file(name: str) -> dict[str, str]:
    """One of the files that make the config maps."""
    lines = (KUBERNETES / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def commands() -> list[list[str]]:
    """Every command that a container of ours is started with or checked by."""
    found = [container["command"] for _, container in containers()]
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    found += [c[p]["exec"]["command"] for _, c in containers() for p in probes if "exec" in c.get(p, {})]
    for service in services().values():
        if service["image"] == "remotesupport":
            found.append(service["command"])
            found += [service["healthcheck"]["test"][1:]] if "healthcheck" in service else []
    return found


def variables() -> set[str]:
    """Every variable that a file sets, or says that a secret sets."""
    told = re.findall(r"\b(?:PREFECT|REMOTESUPPORT)_[A-Z_]+", (KUBERNETES / "kustomization.yaml").read_text())
    set_here = [name for file in KUBERNETES.glob("*.env") for name in env_file(file.stem)]
    composed = [name for service in services().values() for name in service.get("environment", {})]
    return {*told, *set_here, *composed}


def test_the_dockerfile_has_no_finding() -> None:
    """The linter of Dockerfiles finds nothing in it, not even a matter of style."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_is_made_in_two_stages_and_runs_as_nobody_of_note() -> None:
    """What builds stays behind; the number that the image runs as is the one that the pods ask for."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line.split()[0:2] for line in lines if line.startswith("FROM")] == [["FROM", "python:3.11-slim"]] * 2
    (user,) = [line.split()[1] for line in lines if line.startswith("USER")]
    asked = {(str(pod["securityContext"]["runAsUser"]), str(pod["securityContext"]["runAsGroup"])) for _, pod in pods()}
    assert {tuple(user.split(":"))} == asked
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text()


def test_only_what_the_image_is_made_of_is_sent_to_the_engine() -> None:
    """Everything is ignored but our packages and what installs them: no secret of the clone gets into a layer."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {package.rstrip("*") for package in packages} | {"pyproject.toml", "README.md", "requirements/runtime.txt"}
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line[0] == "!"} == needed
    assert all((ROOT / name).exists() for name in needed)


def test_the_composition_fits_its_schema() -> None:
    """compose.yaml is what the Compose Specification says that a composition is."""
    schema = of_package("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(yaml.safe_load(COMPOSE.read_text()), json.loads(schema.read_text()))


@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
def test_every_manifest_fits_its_schema(version: str) -> None:
    """Each object is one that Kubernetes takes, with no key that it does not know, from the oldest version to the
    newest."""
    assert [kubernetes_validate.validate(one, version, strict=True) for one in resources()]


def test_everything_in_the_folder_is_used() -> None:
    """Each file is a resource or makes a config map, and each config map is used by somebody."""
    made = {one["name"]: one["envs"] for one in kustomization()["configMapGenerator"]}
    used = {*kustomization()["resources"], *(name for names in made.values() for name in names), "kustomization.yaml"}
    assert {file.name for file in KUBERNETES.iterdir()} == used
    asked = {e["configMapRef"]["name"] for _, c in containers() for e in c["envFrom"] if "configMapRef" in e}
    assert set(made) == asked


def test_every_variable_is_known() -> None:
    """Each name that is set is one of Prefect's settings, of ours, or of the few others."""
    prefects = {*_get_settings_fields(PrefectSettings), "PREFECT_SERVER_ENCRYPTION_KEY"}  # read by itself, later
    assert variables() - OURS - OTHERS - prefects == set()


def test_every_command_is_there() -> None:
    """Each command is ours with its options, one of our modules, or Prefect's."""
    known = get_command(app)
    for command in commands():
        if command[0] == "remotesupport":
            wanted = known.commands[command[1]]  # type: ignore[attr-defined]
            options = {name for param in wanted.params for name in param.opts}
            assert {word for word in command if word.startswith("--")} <= options
        elif command[0] == "python" and "-m" in command:
            assert importlib.util.find_spec(command[command.index("-m") + 1]), command
        elif command[0] == "python":
            compile(command[-1], "a health check", "exec")
        else:
            assert command[0] == "prefect"
    pools = {command[command.index("--pool") + 1] for command in commands() if "--pool" in command}
    assert pools == {DEFAULT_POOL}


@pytest.mark.thorough("Prefect is imported for each; that our own commands are known is in `make test`")
@pytest.mark.parametrize("words", sorted({" ".join(c) for c in commands() if c[0] == "prefect"}))
def test_prefect_understands_its_commands(words: str) -> None:
    """Prefect itself knows each option that it is started with."""
    _, *path = [word for word in words.split() if not word.startswith("-") and word != "0.0.0.0"]
    help_text = subprocess.run(
        [sys.executable, "-m", "prefect", *path, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [word for word in words.split() if word.startswith("--") and word not in help_text] == []


def test_every_volume_secret_and_port_has_its_other_end() -> None:
    """What is mounted is declared, what is asked for is told how to make, and the API's address is the server's."""
    told = (KUBERNETES / "kustomization.yaml").read_text()
    for pod, container in containers():
        assert {m["name"] for m in container["volumeMounts"]} <= {v["name"] for v in pod["volumes"]}
        for source in container["envFrom"]:
            if "secretRef" in source:
                assert f"create secret generic {source['secretRef']['name']} " in told
        for volume in pod["volumes"]:
            if "configMap" in volume:
                assert f"create configmap {volume['configMap']['name']} " in told
    (server,) = [c for _, c in containers() if c["name"] == "server"]
    ports = {one["name"]: one["containerPort"] for one in server["ports"]}
    (service,) = [one for one in resources() if one["kind"] == "Service" and "ports" in one["spec"]]
    (port,) = service["spec"]["ports"]
    address = f"http://{service['metadata']['name']}:{port['port']}/api"
    assert address == env_file("client")["PREFECT_API_URL"] == services()["worker"]["environment"]["PREFECT_API_URL"]
    assert str(ports[port["targetPort"]]) == env_file("server")["PREFECT_SERVER_API_PORT"]


def test_composed_volumes_and_orders_have_their_other_end() -> None:
    """Each named volume and each service that somebody waits for is there, and has the check that is waited for."""
    whole = yaml.safe_load(COMPOSE.read_text())
    for service in services().values():
        named = [v.partition(":")[0] for v in service.get("volumes", []) if v[0] not in "./"]
        assert set(named) <= set(whole["volumes"])
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services()[other]
    assert {name for name, one in services().items() if "healthcheck" in one} >= {"store", "prefect", "worker"}


def test_the_server_has_the_settings_of_up(tmp_path: Path) -> None:
    """The server in a cluster differs from the one of `up` in its addresses, folders and secrets only."""
    sample = {k: v for k, v in (env_file("quiet") | env_file("server")).items() if k not in SERVER_ONLY}
    ours = {k: v for k, v in settings_env.server_env(tmp_path, 4200, {}).items() if k not in SERVER_ONLY}
    assert sample == ours


def locked(container: Mapping[str, Any]) -> bool:
    """Nothing of the system can be written, and no right can be gained."""
    found = container["securityContext"]
    return (
        found["readOnlyRootFilesystem"]
        and not found["allowPrivilegeEscalation"]
        and found["capabilities"]["drop"] == ["ALL"]
    )


def test_nothing_runs_with_more_rights_than_it_needs() -> None:
    """Every pod: not root, no token of the cluster, no capability, a read-only system; the same in the composition."""
    assert all(pod["securityContext"]["runAsNonRoot"] for _, pod in pods())
    assert not any(pod["automountServiceAccountToken"] for _, pod in pods())
    assert all(locked(container) for _, container in containers())
    own = [service for service in services().values() if service["image"] == "remotesupport"]
    assert all(one["read_only"] and one["cap_drop"] == ["ALL"] and "user" not in one for one in own)


def test_the_server_is_given_no_secret_of_a_billing() -> None:
    """Only workers and registration have the secret with the billings' passwords; the server has its own."""
    secrets = {c["name"]: {e["secretRef"]["name"] for e in c["envFrom"] if "secretRef" in e} for _, c in containers()}
    assert (secrets["server"], secrets["prefect"]) == ({"remotesupport-prefect"}, {"remotesupport-prefect"})
    assert "env_file" not in services()["prefect"]


def test_images_are_named_without_a_host() -> None:
    """Each mirror serves: no image has a registry before its name, and ours has this version."""
    images = {container["image"] for _, container in containers()} | {one["image"] for one in services().values()}
    assert [image for image in images if re.match(r"[^/]*[.:][^/]*/", image)] == []
    (ours,) = kustomization()["images"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (ours["name"], ours["newName"], ours["newTag"]) == ("remotesupport", "remotesupport", version)
