"""The Kubernetes manifests: valid by the models of the official client, and hardened."""

import re
from typing import Any

import pytest
import yaml
from kubernetes import client as models
from pydantic import ValidationError

from api.app import create_app
from settings import Settings
from store.database import make_engine
from tests.integration.api.conftest import options
from tests.support.documents import ROOT, parse_command

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = {"v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1"}
VARIANTS = ("base", "cluster")


def resources(variant: str) -> list[dict[str, Any]]:
    """Every object that a kustomization consists of, its bases included."""
    folder = FOLDER / variant
    found: list[dict[str, Any]] = []
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        if name.endswith(".yaml"):
            found += yaml.safe_load_all((folder / name).read_text())
        else:
            found += resources((folder / name).resolve().name)
    return found


def check(item: dict[str, Any]) -> None:
    """Raises ValidationError for a missing field, a bad value, and a field that the API lacks."""
    getattr(models, f"V1{item['kind']}").model_validate(item)


def pods(variant: str) -> dict[str, dict[str, Any]]:
    """The pod of every workload, by the name of the workload."""
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]
        for item in resources(variant)
        if item["kind"] in {"Deployment", "Job"}
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_one_that_the_api_accepts(variant: str) -> None:
    for item in resources(variant):
        assert item["apiVersion"] in VERSIONS
        check(item)


def test_a_misspelt_and_a_missing_field_are_found() -> None:
    (job,) = [item for item in resources("base") if item["kind"] == "Job"]
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["imagePullPolice"] = "Always"
    with pytest.raises(ValidationError, match="imagePullPolice"):
        check(job)
    del container["imagePullPolice"], container["name"]
    with pytest.raises(ValidationError, match="name"):
        check(job)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_is_hardened_and_bounded(variant: str) -> None:
    for name, pod in pods(variant).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        context = container["securityContext"]
        assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_the_workloads_run_commands_of_the_package_with_settings_that_exist() -> None:
    commands = {name: parse_command(pod["containers"][0]["args"]) for name, pod in pods("base").items()}
    assert commands == {"api": "tradewind serve", "scheduler": "tradewind schedule", "migrate": "tradewind migrate"}
    known = {f"TRADEWIND_{name.upper()}" for name in Settings.model_fields}
    (configuration,) = [item for item in resources("base") if item["kind"] == "ConfigMap"]
    overlay = yaml.safe_load((FOLDER / "cluster" / "kustomization.yaml").read_text())["patches"][0]["patch"]
    patched = {row["path"].rpartition("/")[2] for row in yaml.safe_load(overlay)}
    assert set(configuration["data"]) | patched <= known


def test_no_secret_is_in_the_manifests() -> None:
    assert not [item for item in resources("cluster") if item["kind"] == "Secret"]


def test_probes_ask_for_an_address_that_is_served() -> None:
    app = create_app(engine=make_engine("postgresql://nobody@127.0.0.1:1/nothing"), options=options())
    served = set(app.openapi()["paths"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert pods("base")["api"]["containers"][0][probe]["httpGet"]["path"] in served


@pytest.mark.parametrize("variant", VARIANTS)
def test_services_and_policies_select_pods_that_exist(variant: str) -> None:
    items = resources(variant)
    key = "app.kubernetes.io/name"
    names = {
        item["spec"]["template"]["metadata"]["labels"][key] for item in items if item["kind"] in {"Deployment", "Job"}
    }
    assert names == set(pods(variant))
    for item in items:
        if item["kind"] == "Service":
            assert item["spec"]["selector"][key] in names
        elif item["kind"] == "NetworkPolicy":
            selector = item["spec"]["podSelector"]
            chosen = {selector["matchLabels"][key]} if "matchLabels" in selector else set()
            chosen |= {value for rule in selector.get("matchExpressions", ()) for value in rule["values"]}
            assert chosen <= names


def test_pods_accept_nothing_by_default() -> None:
    (default,) = [
        item for item in resources("base") if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "default"
    ]
    assert default["spec"]["podSelector"] == {}
    assert default["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default["spec"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_image_is_that_of_this_release(variant: str) -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"$', pyproject, re.MULTILINE)
    assert version
    (image,) = yaml.safe_load((FOLDER / variant / "kustomization.yaml").read_text())["images"]
    assert image == {"name": "tradewind", "newTag": version[1]}
