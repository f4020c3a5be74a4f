"""What the deployment files name exists: settings, queues, commands, volumes, secrets. No container is started."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUBERNETES: list[dict[str, Any]] = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/vetrina.yaml").read_text()))
OURS = {name: each for name, each in COMPOSE["services"].items() if each["image"].startswith("vetrina:")}
PODS = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in KUBERNETES
    if each["kind"] in ("Deployment", "Job")
}
COMMANDS = {
    **{f"compose {name}": each["command"] for name, each in OURS.items()},
    **{f"kubernetes {name}": each["containers"][0]["command"] for name, each in PODS.items()},
}


def known_names() -> set[str]:
    """What the settings and the web server read, and the table of settings tells."""
    source = (ROOT / "platform/vetrina/settings.py").read_text() + (ROOT / "platform/vetrina/gunicorn.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', source))
    told = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert len(read) > 50
    return read & told


@pytest.mark.parametrize("service", OURS)
def test_every_variable_of_a_service_is_a_setting_that_is_told(service):
    given = {name.removesuffix("_FILE") for name in OURS[service]["environment"]}
    assert given <= known_names(), given - known_names()


def test_settings_of_the_env_file_reach_every_process():
    for name, service in OURS.items():
        assert [each["path"] for each in service["env_file"]] == [".env"], name
    assert ".env" in (ROOT / ".dockerignore").read_text().splitlines()


def test_every_variable_of_kubernetes_is_a_setting_that_is_told():
    given = {name for each in KUBERNETES if each["kind"] == "ConfigMap" for name in each["data"]}
    given |= {each["name"] for pod in PODS.values() for each in pod["containers"][0].get("env", [])}
    assert given <= known_names(), given - known_names()


def test_files_of_secrets_are_those_that_a_service_has():
    for name, service in COMPOSE["services"].items():
        files = {
            Path(str(value)).name for key, value in service.get("environment", {}).items() if key.endswith("_FILE")
        }
        assert files <= set(service.get("secrets", [])), name
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys(), name
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "secrets" in (ROOT / ".dockerignore").read_text().splitlines()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_exist(command):
    words = " ".join(command).replace("&&", " ").split()
    for position, word in enumerate(words):
        if word == "manage.py":
            assert words[position + 1] in get_commands()
    if words[0] == "gunicorn":
        assert words[1:4] == ["vetrina.wsgi", "--config", "python:vetrina.gunicorn"]
    elif words[0] == "celery":
        assert words[1:3] == ["-A", "vetrina"]
        assert words[3] in ("worker", "beat")
    else:
        assert words[0] == "sh"


@pytest.mark.parametrize("where", ["compose", "kubernetes"])
def test_each_queue_has_a_worker_and_there_is_one_schedule(where):
    commands = [command for name, command in COMMANDS.items() if name.startswith(where)]
    read = {command[command.index("--queues") + 1] for command in commands if "--queues" in command}
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert read == routed
    assert sum("beat" in command for command in commands) == 1
    for command in commands:
        if {"encode", "train"} & set(command):
            assert command[command.index("--pool") + 1] == "solo", "networks hang in a fork"


def test_services_are_limited_checked_and_name_what_there_is():
    services = COMPOSE["services"]
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory"} <= limits.keys(), name
        check = service["healthcheck"]
        assert check.get("disable") or check["test"], name
        assert set(service["networks"]) <= COMPOSE["networks"].keys(), name
        assert {volume.split(":")[0] for volume in service["volumes"] if ":" in volume} <= COMPOSE["volumes"].keys()
        for other, awaited in service.get("depends_on", {}).items():
            assert other in services
            if awaited["condition"] == "service_healthy":
                assert services[other]["healthcheck"].get("test"), f"{name} would wait for {other} for ever"
    for name in OURS:
        assert services[name]["read_only"], name
        assert services[name]["cap_drop"] == ["ALL"], name


def test_hosts_of_addresses_are_services():
    environment = COMPOSE["services"]["web"]["environment"]
    for name in ("CACHE_URL", "CELERY_BROKER_URL", "QDRANT_URL"):
        host = re.match(r"\w+://([\w-]+)", environment[name])
        assert host, name
        assert host[1] in COMPOSE["services"], name


def test_the_image_runs_as_nobody_in_particular_and_is_checked():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    user = next(line.split()[1] for line in lines if line.startswith("USER "))
    assert user.isdecimal()
    assert user != "0"
    for pod in PODS.values():
        assert pod["securityContext"]["runAsUser"] == int(user)
    check = next(line for line in lines if line.startswith("HEALTHCHECK "))
    script = re.search(r'"([\w/]+\.py)"', check)
    assert script
    assert (ROOT / script[1]).is_file()
    made = (ROOT / "Makefile").read_text()
    torch = re.search(r"^TORCH \?= (.+)$", made, re.MULTILINE)
    assert torch
    assert any(torch[1] in line for line in lines), "the image has the build of torch that is tested"
