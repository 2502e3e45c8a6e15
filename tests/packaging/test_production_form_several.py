"""Several API servers over the production form: its override of the composition, its overlay of the manifests."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
from importlib.resources import files as of_package
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import prefect_redis.client
import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_settings_fields

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deployments" / "compose"
ONE = ROOT / "deployments" / "kubernetes"
SEVERAL = ROOT / "deployments" / "kubernetes-several-api-servers"
API = ["prefect", "server", "start", "--host", "0.0.0.0", "--no-services"]
SERVICES = ["prefect", "server", "services", "start"]
REDIS = "PREFECT_REDIS_MESSAGING_URL"


class Loader(yaml.SafeLoader):
    """YAML with Compose's word for "nothing of what was there before"."""


Loader.add_constructor("!reset", lambda loader, node: [])


def composition(name: str) -> dict[str, Any]:
    """One of the files."""
    found: dict[str, Any] = yaml.load((COMPOSE / name).read_text(), Loader)
    return found


def over(base: Any, change: Any) -> Any:
    """Compose's merge, as far as the override makes use of it: mappings key by key, all else is replaced."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return copy.deepcopy(change)
    return base | {key: over(base.get(key), value) for key, value in change.items()}


def services() -> dict[str, dict[str, Any]]:
    """The services of both files together."""
    one, several = composition("compose.yaml")["services"], composition("compose.several-api-servers.yaml")["services"]
    found = dict(one)
    for name, change in several.items():
        rest = {key: value for key, value in change.items() if key != "extends"}
        found[name] = over(one.get(change.get("extends", {}).get("service", name), {}), rest)
    return found


def objects(folder: Path, *names: str) -> list[dict[str, Any]]:
    """Every object of these files."""
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text())]


def kustomization() -> dict[str, Any]:
    """The overlay's own file."""
    (found,) = objects(SEVERAL, "kustomization.yaml")
    return found


def patched(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A strategic merge, as far as the overlay makes use of it: containers by their name."""
    found: dict[str, Any] = over(base, patch)
    pods = [one["spec"]["template"]["spec"] for one in (base, patch)]
    changes = {one["name"]: one for one in pods[1]["containers"]}
    found["spec"]["template"]["spec"]["containers"] = [
        over(c, changes.get(c["name"], {})) for c in pods[0]["containers"]
    ]
    return found


def api() -> dict[str, Any]:
    """The API servers' deployment with the patch."""
    (patch,) = objects(SEVERAL, "api.yaml")
    (base,) = [one for one in objects(ONE, "server.yaml") if one["kind"] == "Deployment"]
    assert [base[key] for key in ("apiVersion", "kind", "metadata")] == [
        patch[key] for key in ("apiVersion", "kind", "metadata")
    ]
    return patched(base, patch)


def background() -> dict[str, Any]:
    """The background services' deployment."""
    (found,) = objects(SEVERAL, "services.yaml")
    return found


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    """Its only one."""
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def redis_settings() -> dict[str, str]:
    """What makes Prefect use Redis, without the address."""
    return dict(line.split("=", 1) for line in (SEVERAL / "redis.env").read_text().splitlines())


def test_the_override_fits_the_schema() -> None:
    """Alone and over compose.yaml, it is what the Compose Specification says that a composition is."""
    schema = json.loads(
        (of_package("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text()
    )
    jsonschema.validate(composition("compose.several-api-servers.yaml"), schema)
    jsonschema.validate(composition("compose.yaml") | {"services": services()}, schema)


@pytest.mark.parametrize("version", ["1.31", kubernetes_validate.latest_version()])
def test_the_overlay_fits_the_schema(version: str) -> None:
    """The patched servers and the background services are objects that Kubernetes takes, with no key unknown to it."""
    assert [kubernetes_validate.validate(one, version, strict=True) for one in (api(), background())]


def test_everything_of_the_overlay_is_used() -> None:
    """Each file of its folder is a resource, a patch or settings; the settings go over those of the one server."""
    found = kustomization()
    (generated,) = found["configMapGenerator"]
    used = {*found["resources"][1:], *(one["path"] for one in found["patches"]), *generated["envs"]}
    assert {file.name for file in SEVERAL.iterdir()} == used | {"kustomization.yaml"}
    assert (SEVERAL / found["resources"][0]).resolve() == ONE
    assert (generated["name"], generated["behavior"]) == ("remotesupport-server", "merge")
    (one,) = objects(ONE, "kustomization.yaml")
    assert (found["namespace"], found["images"]) == (one["namespace"], one["images"])


def test_there_are_two_api_servers_and_one_of_the_background_services() -> None:
    """Two answer and schedule nothing; one process does that, and is never there twice, not even in an update."""
    assert (container(api())["command"], container(background())["command"]) == (API, SERVICES)
    assert (api()["spec"]["replicas"], background()["spec"]["replicas"]) == (2, 1)
    assert background()["spec"]["strategy"] == {"type": "Recreate"}
    started = [one.get("command") for one in services().values()]
    assert (started.count(API), started.count(SERVICES)) == (2, 1)
    assert not [one for one in started if one and one[:3] == API[:3] and one != API]


def test_all_of_them_have_the_same_settings() -> None:
    """Servers and background services differ in nothing that they are set to, in neither form."""
    assert container(api())["envFrom"] == container(background())["envFrom"]
    environments = [services()[name]["environment"] for name in ("prefect", "prefect-2", "prefect-services")]
    assert environments[0] == environments[1] == environments[2]
    assert {name: environments[0][name] for name in redis_settings()} == redis_settings()
    assert REDIS in environments[0]
    assert REDIS in (SEVERAL / "kustomization.yaml").read_text()


def test_every_setting_and_module_is_there() -> None:
    """Each name is a setting of Prefect or of its package for Redis, and each module that one names can be imported."""
    own = {
        f"PREFECT_REDIS_MESSAGING_{name.upper()}" for name in prefect_redis.client.RedisMessagingSettings.model_fields
    }
    known = {*_get_settings_fields(PrefectSettings), *own}
    assert ({*redis_settings(), REDIS} - known, REDIS in own) == (set(), True)
    named = [value for value in redis_settings().values() if not value.isdigit()]
    assert [name for name in named if not importlib.util.find_spec(name)] == []


def test_only_the_first_server_is_published_and_both_have_its_name() -> None:
    """No port is taken twice, each process has a folder of its own, and the workers' address means both servers."""
    found = services()
    assert [name for name, one in found.items() if one.get("ports")] == ["prefect"]
    assert found["prefect-2"]["networks"] == {"default": {"aliases": ["prefect"]}}
    places = [volume for one in found.values() for volume in one.get("volumes", []) if not volume.startswith("./")]
    assert len(places) == len(set(places))
    declared = {**composition("compose.yaml")["volumes"], **composition("compose.several-api-servers.yaml")["volumes"]}
    assert {volume.split(":")[0] for volume in places} == set(declared)


def test_each_waits_for_what_it_needs() -> None:
    """All wait for Redis, the others for the first server, which makes the tables; what is waited for is checked."""
    found = services()
    waits = {name: set(found[name]["depends_on"]) for name in ("prefect", "prefect-2", "prefect-services")}
    needed = {"prefect-database", "redis"}
    assert waits == {"prefect": needed, "prefect-2": needed | {"prefect"}, "prefect-services": needed | {"prefect"}}
    awaited = {name: found[name]["healthcheck"] for one in waits.values() for name in one}
    assert all("test" in check for check in awaited.values())


def test_nothing_of_it_has_more_rights_than_the_one_server() -> None:
    """The new processes are locked as the one server is, get no secret of a billing, and no image names a host."""
    pods = [one["spec"]["template"]["spec"] for one in (api(), background())]
    for key in ("securityContext", "automountServiceAccountToken", "enableServiceLinks"):
        assert pods[0][key] == pods[1][key]
    for key in ("securityContext", "volumeMounts", "image"):
        assert container(api())[key] == container(background())[key]
    own = [services()[name] for name in ("prefect", "prefect-2", "prefect-services")]
    assert all(one["read_only"] and one["cap_drop"] == ["ALL"] and "env_file" not in one for one in own)
    assert [one["image"] for one in services().values() if re.match(r"[^/]*[.:][^/]*/", one["image"])] == []
