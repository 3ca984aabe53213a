"""The real client on a production server: two API processes, two controllers, and finders and transformers elsewhere.

One file, so that all its tests are run by one process, on one server. The last ones look at what the others left.
"""
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from minio import Minio
from minio.error import S3Error

from servicex.capabilities import Capabilities, capability_keys
from tests.e2e.contents import COLUMNS, EXPECTED, container, delivered_rows, ordinal
from tests.e2e.real_client import Answer, Delivery, RealClient
from tests.production.production import GENERATOR, SCHEME, Production, Record, eventually

QUERIES = ("funcadl", "raw", "python")
DELIVERIES = ("LocalCache", "URLs")
FORMATS = {"parquet": "parquet", "root-ttree": "TTree"}
PROGRAM = "write transform_single_file.py "
COUNT_JETS = PROGRAM + """
import sys, uproot
with uproot.open({sys.argv[1]: "Events"}) as events, uproot.recreate(sys.argv[2]) as output:
    output.mktree("jets", {"nJet": "int32"}).extend({"nJet": events["nJet"].array(library="np").astype("int32")})
"""
COPY_NAME = PROGRAM + "import sys; open(sys.argv[2], 'w').write(sys.argv[1])"
SLEEP = PROGRAM + "import time; time.sleep(50)"

# The first test waits for all the deliveries.
SECONDS_FOR_ALL = 200.0
pytestmark = pytest.mark.timeout(400)
NewClient = Callable[..., RealClient]


@pytest.fixture(scope="module")
def unanswered(production: Production, new_client: NewClient) -> Iterator[Delivery]:
    """A delivery of a dataset whose finder does not run, begun before all else."""
    delivery = new_client().begin([{"name": "unanswered", "query": "raw", "did": "absent://some:data"}])
    yield delivery
    delivery.kill()


@pytest.fixture(scope="module")
def delivered(production: Production, new_client: NewClient, unanswered: Delivery) -> dict[str, dict[str, Answer]]:
    """Per format and delivery what came, for two clients at once: Parquet of a dataset; ROOT files of lists."""
    urls = production.urls
    datasets = [{"name": query, "query": query, "did": f"{SCHEME}://urls/nano"} for query in QUERIES]
    lists: list[dict[str, Any]] = [{"name": query, "query": query, "files": urls[1:]} for query in QUERIES]
    lists += [
        {"name": "partial", "query": "raw", "files": [urls[0], urls[0].replace("nano", "no")]},
        {"name": "unknown", "query": "raw", "did": f"{SCHEME}://missing"},
        {"name": "jets", "query": COUNT_JETS, "codegen": GENERATOR, "files": urls[:1]},
        {"name": "no image", "query": "image 127.0.0.1:1/science:1", "codegen": GENERATOR, "files": urls[:1]},
    ]
    under_way = {form: new_client().begin(samples, format=form, deliveries=DELIVERIES)
                 for form, samples in (("parquet", datasets), ("root-ttree", lists))}
    try:
        return {form: delivery.wait(SECONDS_FOR_ALL) for form, delivery in under_way.items()}
    finally:
        for delivery in under_way.values():
            delivery.kill()


Delivered = dict[str, dict[str, Answer]]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("result_format", FORMATS)
@pytest.mark.parametrize("query", QUERIES)
def test_what_arrives_is_what_is_in_the_files(delivered: Delivered, sources: list[Path], tmp_path: Path, query: str,
                                              result_format: str, delivery: str) -> None:
    outcome = delivered[result_format][delivery][query]
    assert "error" not in outcome, outcome["error"]
    rows = [delivered_rows(item, COLUMNS[query], tmp_path) for item in outcome["items"]]
    wanted = sources if result_format == "parquet" else sources[1:]
    assert sorted(rows, key=ordinal) == sorted(map(EXPECTED[query], wanted), key=ordinal)
    if delivery == "LocalCache":
        assert {container(Path(item)) for item in outcome["items"]} == {FORMATS[result_format]}


def test_a_code_generator_that_is_a_service(delivered: Delivered, production: Production, sources: list[Path],
                                            tmp_path: Path) -> None:
    (item,) = delivered["root-ttree"]["LocalCache"]["jets"]["items"]
    assert delivered_rows(item, ["nJet"], tmp_path) == [{"nJet": row["nJet"]} for row in EXPECTED["python"](sources[0])]
    record = production.titled("jets")
    assert record["image"].endswith("/science:1") and record["codegen"] == GENERATOR


@pytest.mark.parametrize("image", ["no-science:1", "science:2", "../science:1"])
def test_images_are_looked_for_in_the_registry(delivered: Delivered, production: Production, image: str) -> None:
    registry = production.titled("jets")["image"].partition("/")[0]
    answer = production.post(f"image {registry}/{image}", file_list=production.urls)
    assert answer.status_code == 400 and "image" in answer.json()["message"]


def test_an_image_that_is_not_allowed(delivered: Delivered) -> None:
    assert "127.0.0.1:1/science:1" in delivered["root-ttree"]["LocalCache"]["no image"]["error"]


def test_a_file_that_is_not_there(delivered: Delivered, production: Production, sources: list[Path],
                                  tmp_path: Path) -> None:
    (item,) = delivered["root-ttree"]["LocalCache"]["partial"]["items"]
    assert delivered_rows(item, COLUMNS["raw"], tmp_path) == EXPECTED["raw"](sources[0])
    record = production.titled("partial")
    assert [record[key] for key in ("status", "files", "files-completed", "files-failed")] == ["Complete", 2, 1, 1]
    (error,) = production.get(f"transformation/{record['request_id']}/errors")["errors"]
    assert error["file"] == production.urls[0].replace("nano", "no")


def test_a_dataset_that_the_finder_does_not_know(delivered: Delivered, production: Production) -> None:
    assert "Dataset does not exist" in delivered["root-ttree"]["LocalCache"]["unknown"]["error"]
    record = production.titled("unknown")
    assert record["status"] == "Bad Dataset" and "the catalogue does not know missing" in record["failure-info"]


def test_both_api_processes_answer_the_client(delivered: Delivered, production: Production) -> None:
    served = re.findall(r"process=<(\d+)> GET /servicex/transformation/([\w-]+) 200", production.log("api"))
    assert len({process for process, _ in served}) == 2, served


def test_many_transforms_of_a_dataset_that_streams_in(production: Production, gate: Path) -> None:
    did = f"{SCHEME}://gated/2/6"
    waiting = [production.accepted(COPY_NAME, did=did) for _ in range(6)]
    try:
        eventually(lambda: all(production.record(r)["files-completed"] == 2 for r in waiting))
        assert {production.record(r)["status"] for r in waiting} <= {"Lookup", "Pending Lookup"}
        waiting.append(production.accepted(COPY_NAME, did=did))
    finally:
        gate.touch()
    records = [production.ended(request_id) for request_id in waiting]
    assert {(r["status"], r["files"], r["files-completed"]) for r in records} == {("Complete", 8, 8)}
    assert len({record["did_id"] for record in records}) == 1
    for record in records:
        names = {f"root:::near::f000{number}.root" for number in range(8)}
        assert {found["s3-object-name"] for found in results(production, record)} == names


def results(production: Production, record: Record) -> list[Record]:
    found: list[Record] = production.get(f"transformation/{record['request_id']}/results")["results"]
    return found


def test_cancel_and_delete(production: Production, new_client: NewClient) -> None:
    client = new_client()
    delivery = client.begin([{"name": "given up", "query": SLEEP, "codegen": GENERATOR, "files": production.urls}])
    eventually(lambda: [r for r in production.get("transformation")["requests"]
                        if r["title"] == "given up" and r["status"] == "Running"])
    request_id = production.titled("given up")["request_id"]
    eventually(lambda: production.has_bucket(request_id))  # the controller has begun
    client.command("transforms", "cancel", request_id)
    assert "was canceled" in delivery.wait()["LocalCache"]["given up"]["error"]
    eventually(lambda: f"transformer-{request_id}" not in production.queues())
    assert production.has_bucket(request_id), "what was delivered stays"
    production.delete(request_id)
    eventually(lambda: not production.has_bucket(request_id))


def test_results_on_a_volume(production: Production) -> None:
    request_id = production.accepted(COPY_NAME, destination="volume", file_list=production.urls)
    record = production.ended(request_id)
    assert (record["status"], record["minio-endpoint"]) == ("Complete", None)
    folder = production.folder.parent / "volume" / "out" / request_id
    names = {result["s3-object-name"] for result in results(production, record)}
    assert names == {file.name for file in folder.iterdir()} and len(names) == 2


def test_keys_that_a_site_shares(delivered: Delivered, production: Production, new_client: NewClient,
                                 sources: list[Path], tmp_path: Path) -> None:
    request_id = production.titled("partial")["request_id"]
    with production.with_shared_keys() as server:
        record = requests.get(f"{server.address}/servicex/transformation/{request_id}", timeout=20).json()
        client = new_client(server.address)
        done = client.command("transforms", "download", request_id, within="out")
    assert (record["minio-endpoint"], record["minio-access-key"]) == (production.store.address, server.keys.access_key)
    assert done.returncode == 0, done.stderr
    (item,) = (client.folder / "out").iterdir()
    assert delivered_rows(str(item), COLUMNS["raw"], tmp_path) == EXPECTED["raw"](sources[0])


def test_the_bucket_of_another_transform_is_closed(delivered: Delivered, production: Production) -> None:
    own, other = (production.titled(title) for title in ("partial", "jets"))
    door = Minio(own["minio-endpoint"], own["minio-access-key"], own["minio-secret-key"], secure=False,
                 region="us-east-1")
    assert len(list(door.list_objects(own["request_id"]))) == 1
    (name,) = [result["s3-object-name"] for result in results(production, other)]
    with pytest.raises(S3Error, match="The access key is not known for this bucket"):
        list(door.list_objects(other["request_id"]))
    with pytest.raises(S3Error, match="The access key is not known for this bucket"):
        door.get_object(other["request_id"], name)
    url = door.presigned_get_object(other["request_id"], name)
    assert requests.get(url, timeout=20).status_code == 403
    assert requests.get(url.partition("?")[0], timeout=20).status_code == 403


def test_a_finder_that_does_not_run(unanswered: Delivery, production: Production) -> None:
    assert "Internal failure during lookup" in unanswered.wait()["LocalCache"]["unanswered"]["error"]
    assert "The finder for absent gave no answer" in production.titled("unanswered")["failure-info"]


def test_no_secret_is_told_nor_logged(delivered: Delivered, production: Production) -> None:
    told = answers_of_all_routes(production) + str(delivered)
    logged = "".join(production.log(name) for name in ("api", "controller1", "controller2", "shared-keys"))
    assert "/servicex/internal/[token]/transformation/" in logged, "callbacks are logged"
    for name, secret in secrets_of(production).items():
        assert secret not in told, f"{name} is told"
        assert secret not in logged, f"{name} is logged"


def answers_of_all_routes(production: Production) -> str:
    """What all the routes that are open to clients say of all that there is."""
    records = production.get("transformation")["requests"]
    paths = ["", "apidoc", "multiple-codegen-list", "servicex", "servicex/transformation", "servicex/datasets"]
    paths += sorted({f"servicex/datasets/{record['did_id']}" for record in records})
    for record in records:
        base = f"servicex/transformation/{record['request_id']}"
        paths += [base, f"{base}/status", f"{base}/results", f"{base}/errors"]
    answers = [requests.get(f"{production.address}/{path}", timeout=20) for path in paths]
    assert not [answer.url for answer in answers if answer.status_code != 200]
    return "".join(answer.text for answer in answers)


def secrets_of(production: Production) -> dict[str, str]:
    """All that only the server and its own may know, by name."""
    secret = production.secret_key
    tokens = Capabilities(capability_keys([secret]))
    found = {"the server's secret": secret, "the store's secret key": production.store.keys.secret_key,
             "the store's access key": production.store.keys.access_key,
             "the broker's password": production.rabbitmq.password}
    for (request_id,) in production.query("select request_id from requests"):
        found[f"the token of {request_id}"] = tokens.token("transform", request_id)
    for (dataset_id,) in production.query("select id from datasets"):
        found[f"the token of dataset {dataset_id}"] = tokens.token("dataset", str(dataset_id))
    return found
