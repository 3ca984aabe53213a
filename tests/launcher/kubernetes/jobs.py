"""Transforms and clusters that the tests make objects for."""
from dataclasses import replace

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes.options import (ClusterOptions, Resources, SidecarOptions, Store,
                                                           WorkerOptions)

REQUEST_ID = "0f9d1a52-9a4c-4a52-8a3f-0c8a1b2c3d4e"
WORKER_IMAGE = "registry.example.org/servicex_app:2.0.0"
STORE = Store("minio.servicex:9000", False, "the-access-key", "the-secret-key", "us-east-1")

PYTHON = TransformJob(REQUEST_ID, WORKER_IMAGE, "python", "/generated/transform_single_file.py",
                      {"transform_single_file.py": b"print()\n"}, "parquet", "object-store")
XAOD = replace(PYTHON, image="sslhep/servicex_func_adl_xaod_transformer:22.2.107", language="bash",
               command="/generated/transform_single_file.sh",
               files={"transform_single_file.sh": b"true\n",
                      "transformer_capabilities.json": b'{"file-formats": ["root"]}'}, result_format="root-file")

PLAIN = ClusterOptions(
    namespace="servicex", instance="testing", broker_url="amqp://user:pw@rabbitmq:5672/%2F?heartbeat=9000&a=b",
    store=STORE, worker=WorkerOptions(WORKER_IMAGE, settings={"MAX_ATTEMPTS": "3"}),
    sidecar=SidecarOptions("sslhep/servicex_sidecar_transformer:20241015"), log_environment={"LOG_LEVEL": "INFO"})
RICH = replace(
    PLAIN, resources=Resources("2", "500m", "4Gi", "2Gi"), priority_class="low", x509_secret="x509-proxy",
    local_path="/scratch/root files", claim="results", results_folder="out/", cache_prefix="cache1:1094,cache2:1094",
    log_environment={"LOG_LEVEL": "DEBUG", "LOGSTASH_HOST": "logstash", "LOGSTASH_PORT": "5959"})
