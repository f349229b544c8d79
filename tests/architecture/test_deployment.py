import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from sqlalchemy.engine import make_url

from settings import Settings
from tests.support.documents import ROOT, parse_command, repository_files, table_rows, text

PREFIX = "TRADEWIND_"
SETTINGS = {PREFIX + name.upper() for name in Settings.model_fields}
SUBSTITUTION = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
PACKAGES = (
    *("api", "cli", "forecasting", "jobs", "migrations", "presentation", "services", "sources", "store", "tables"),
    "tradewind",
)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, each with its arguments on one line."""
    lines = [line for line in text("Dockerfile").splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name.upper(), " ".join(rest.split())) for name, rest in words]


def last(instruction: str) -> str:
    """The value of an instruction in the image that is shipped."""
    return [rest for name, rest in instructions() if name == instruction][-1]


def exec_form(instruction: str) -> list[str]:
    return list(yaml.safe_load(re.sub(r"^.*?(?=\[)", "", last(instruction))))


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in last("ENV").split())


def project() -> dict[str, Any]:
    return tomllib.loads(text("pyproject.toml"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(text("compose.yaml")))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    """Those that start without being asked for by a profile."""
    return {name: service for name, service in compose["services"].items() if "profiles" not in service}


def test_every_stage_starts_from_one_slim_debian_python_that_the_package_accepts() -> None:
    images = {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    (image,) = images
    found = re.fullmatch(r"python:(3\.\d+)-slim-(bookworm|trixie)", image)
    assert found
    assert Version(found.group(1)) in SpecifierSet(project()["project"]["requires-python"])


def test_the_image_holds_the_pinned_dependencies_and_the_installed_package() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--constraint constraints.txt zensical" in installs[0]
    assert "zensical build --strict" in installs[0]
    assert "--constraint constraints.txt '.[cluster]'" in installs[1]
    assert "--editable" not in installs[1]


def test_the_constraints_pin_exact_versions_and_name_no_index() -> None:
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line)] == []
    pinned = {normal(line.split("==")[0]) for line in lines}
    extras = project()["project"]["optional-dependencies"]
    wanted = {name_of(row) for row in project()["project"]["dependencies"] + extras["cluster"]}
    assert wanted <= pinned


def test_what_the_image_is_built_from_is_not_ignored() -> None:
    ignored = {line.rstrip("/") for line in text(".dockerignore").splitlines() if line and not line.startswith("#")}
    needed = {"README.md", "LICENSE", "constraints.txt", "pyproject.toml", "settings.py", "docs", "mkdocs.yml"}
    assert not ignored & (needed | set(PACKAGES))
    assert {".git", ".venv", "data"} <= ignored


def test_every_file_that_is_no_code_travels_with_its_package() -> None:
    shipped = {
        file.relative_to(ROOT).as_posix()
        for package, patterns in project()["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for folder in (PACKAGES if package == "*" else (package,))
        for file in (ROOT / folder).glob(pattern)
    }
    inside = {name for name in repository_files() if name.split("/")[0] in PACKAGES and not name.endswith(".py")}
    assert inside
    assert inside - shipped == set()


def test_the_image_does_not_run_as_root() -> None:
    user = last("USER")
    assert int(user) > 0
    assert f"--uid {user}" in " ".join(rest for name, rest in instructions() if name == "RUN")
    assert f"user {user}" in text("docs/operations/docker.md")


def test_the_image_is_labelled_with_this_release_and_its_licence() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="?([^"\\ ]+)', last("LABEL")))
    assert last("ARG") == f"VERSION={project()['project']['version']}"
    assert labels["version"] == "$VERSION"
    assert labels["licenses"] == project()["project"]["license"]
    assert {"title", "description"} <= set(labels)


def test_the_image_is_the_command_and_serves_by_default() -> None:
    assert exec_form("ENTRYPOINT") == ["tradewind"]
    assert project()["project"]["scripts"]["tradewind"] == "cli.app:main"
    assert parse_command(exec_form("CMD")) == "tradewind serve"


def test_the_image_sets_variables_that_are_settings_and_listens_where_it_says() -> None:
    given = {name: value for name, value in image_environment().items() if name.startswith(PREFIX)}
    assert set(given) <= SETTINGS
    assert given["TRADEWIND_HOST"] == "0.0.0.0"
    assert given["TRADEWIND_PORT"] == last("EXPOSE")
    assert "/live" in last("HEALTHCHECK")
    assert "TRADEWIND_PORT" in last("HEALTHCHECK")
    assert exec_form("HEALTHCHECK")[0] == "python"


def test_the_health_check_is_python_that_compiles() -> None:
    _, option, code = exec_form("HEALTHCHECK")
    assert option == "-c"
    compile(code, "HEALTHCHECK", "exec")


def test_the_services_are_those_of_the_operations_manual(services: dict[str, Any]) -> None:
    section = text("docs/operations/docker.md")
    assert set(table_rows(section)) == set(services)


def test_every_service_of_ours_runs_a_command_that_exists(services: dict[str, Any]) -> None:
    ours = {name: parse_command(service["command"]) for name, service in services.items() if name != "postgres"}
    assert {"migrate": "tradewind migrate", "api": "tradewind serve", "scheduler": "tradewind schedule"}.items() <= (
        ours.items()
    )
    assert {service["image"] for name, service in services.items() if name != "postgres"} == {"tradewind"}


def test_every_variable_of_a_service_of_ours_is_a_setting(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name != "postgres":
            given = {variable for variable in service["environment"] if variable.startswith(PREFIX)}
            assert "TRADEWIND_DATABASE_URL" in given
            assert given <= SETTINGS


def test_the_services_find_the_database_that_postgres_makes(services: dict[str, Any]) -> None:
    database = services["postgres"]["environment"]
    for name in set(services) - {"postgres"}:
        environment = services[name]["environment"]
        url = make_url(environment["TRADEWIND_DATABASE_URL"])
        assert (url.host, url.database, url.username) == (
            "postgres",
            database["POSTGRES_DB"],
            database["POSTGRES_USER"],
        )
        assert url.password is None
        assert environment["PGPASSWORD"] == database["POSTGRES_PASSWORD"]


def test_no_secret_has_a_default() -> None:
    found = {name: sign for name, sign, _ in SUBSTITUTION.findall(text("compose.yaml"))}
    secrets = {name for name in found if re.search("PASSWORD|SECRET|KEY$|TOKEN", name)}
    assert secrets == {"POSTGRES_PASSWORD"}
    assert all(found[name] == "?" for name in secrets)


def test_every_variable_that_compose_reads_is_documented() -> None:
    names = {name for name, _, _ in SUBSTITUTION.findall(text("compose.yaml"))}
    assert [
        name for name in sorted(names) if f"`{name}`" not in text("docs/operations/docker.md") and name not in SETTINGS
    ] == []


def test_services_wait_for_what_they_need(services: dict[str, Any]) -> None:
    done = "service_completed_successfully"
    waits = {name: service["depends_on"] for name, service in services.items() if name != "postgres"}
    assert waits == {
        "migrate": {"postgres": {"condition": "service_healthy"}},
        "figures": {"migrate": {"condition": done}},
        "api": {"migrate": {"condition": done}},
        "scheduler": {"figures": {"condition": done}},
    }
    assert {name for name, service in services.items() if service["restart"] == "no"} == {"migrate", "figures"}


def test_the_database_is_checked_and_outlives_its_container(compose: dict[str, Any], services: dict[str, Any]) -> None:
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"
    volume, _, path = services["postgres"]["volumes"][0].partition(":")
    assert volume in compose["volumes"]
    # From PostgreSQL 18 on the image keeps its files below this directory, by major release.
    assert int(re.sub(r"\D.*", "", services["postgres"]["image"].split(":")[1])) >= 18
    assert path == "/var/lib/postgresql"


def test_the_api_is_published_on_the_port_it_listens_on(services: dict[str, Any]) -> None:
    (published,) = services["api"]["ports"]
    assert published.rpartition(":")[2] == image_environment()["TRADEWIND_PORT"]
    assert all("ports" not in service for name, service in services.items() if name != "api")
    assert services["scheduler"]["healthcheck"] == {"disable": True}
    assert "healthcheck" not in services["api"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    return normal(re.split(r"[\[<>=!~ ]", requirement)[0])


def test_the_cluster_is_a_profile_whose_workers_find_the_scheduler_and_nobody_else_does(
    compose: dict[str, Any],
) -> None:
    asked_for = {name: row for name, row in compose["services"].items() if row.get("profiles") == ["cluster"]}
    assert set(asked_for) == {"dask-scheduler", "dask-worker"}
    assert {row["image"] for row in asked_for.values()} == {"tradewind"}
    worker = asked_for["dask-worker"]["entrypoint"]
    assert worker[:3] == ["dask", "worker", "tcp://dask-scheduler:8786"]
    assert worker[worker.index("--nthreads") + 1] == "1"
    assert "TRADEWIND_DASK_ADDRESS=tcp://dask-scheduler:8786" in text("docs/operations/cluster.md")
    assert not any("ports" in row for row in asked_for.values())
