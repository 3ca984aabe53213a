"""Every option of the server: its type, its default, one line of help.

A value comes from the environment, else from the file that APP_CONFIG_FILE names, else it is the default. The file is
Python, as Flask reads it (`NAME = value`), and is found relative to the package. Names that are no options are left
alone, so that the file of an existing deployment can be used as it stands.
"""
import os
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from flask import Config
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from servicex.account_settings import AccountSettings
from servicex.errors import ServiceXError
from servicex.identity_settings import IdentitySettings
from servicex.notice_settings import WEB_ADDRESS, NoticeSettings
from servicex.page_settings import PageSettings
from servicex.transformer_settings import HOST_AND_PORT, TransformerSettings
from servicex.web_settings import WebSettings

GIB = 1024 ** 3
MIB = 1024 ** 2
HOUR = 3600.0
DAY = 24 * HOUR
SECRET_LENGTH = 16

S3_KEYS = re.compile(r"[!-9;-~]{1,128}:[!-~]{1,128}")


class InvalidSettings(ServiceXError):
    """Raised at start when an option has a value that it cannot have, or the file cannot be read."""


class ConfigFile(PydanticBaseSettingsSource):
    """The options in the file that APP_CONFIG_FILE names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # pydantic asks for it; `__call__` gives all the values at once

    def __call__(self) -> dict[str, Any]:
        name = os.environ.get("APP_CONFIG_FILE")
        if not name:
            return {}
        config = Config(str(Path(__file__).parent))
        try:
            config.from_pyfile(name)
        except Exception as error:  # the file is a program, and may fail of anything
            raise InvalidSettings(f"APP_CONFIG_FILE={name} cannot be read: {type(error).__name__}: {error}") from error
        # A dictionary of the file would be mixed with the environment's, instead of giving way to it.
        return {key: value for key, value in config.items()
                if key in self.settings_cls.model_fields and key not in self.current_state}


def _service_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{value} is no http:// or https:// address")
    return value


ServiceUrl = Annotated[str, AfterValidator(_service_url)]
GeneratorName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
GeneratorImage = Annotated[str, StringConstraints(max_length=256)]
ImagePrefix = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$")]


class Settings(TransformerSettings, AccountSettings, IdentitySettings, NoticeSettings, WebSettings,
               PageSettings):
    """The options, by the names they have in the file and in the environment."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True, frozen=True)

    SQLALCHEMY_DATABASE_URI: str = Field(
        "", description="The database. Empty: the file servicex.sqlite in DATA_DIRECTORY.")
    DATA_DIRECTORY: Path = Field(
        Path(".servicex-data"), description="Where the embedded server keeps its database, its results and its secret.")
    SECRET_KEY: str = Field(
        "", description="What keys and signatures are derived from. Empty: made on the first start and kept in "
                        "DATA_DIRECTORY.")
    ENABLE_AUTH: bool = Field(
        False, description="Whether people need accounts. Without, whoever reaches the server is its one user.")
    ALLOWED_HOSTS: list[str] = Field(
        default_factory=list, description="Names the server may be called by, besides those of the loopback address.")
    ALLOWED_PATHS: list[Path] = Field(
        default_factory=lambda: [Path(".")],
        description="Folders below which local files may be read. Relative paths start from the first of them.")
    MINIO_PUBLIC_URL: str = Field(
        "", description="host:port at which clients reach the results: this server as they see it, or with "
                        "SHARED_READ_ONLY_S3_KEYS the store itself. Empty: where they reached the server.")
    MINIO_ENCRYPT_PUBLIC: bool = Field(
        False, description="Whether clients use TLS to reach the results at MINIO_PUBLIC_URL.")
    MAX_SELECTION_BYTES: int = Field(
        10 * MIB, gt=0, description="The largest selection taken, in bytes. The built-in code generators take "
                                    "1,200,000 characters at the most, and make programs of 900,000 bytes.")
    MAX_REQUEST_BYTES: int = Field(128 * MIB, gt=0, description="The largest request body taken, in bytes.")
    WORKERS: int = Field(
        default_factory=lambda: os.cpu_count() or 1, gt=0, le=1024,
        description="How many files are transformed at once on this machine. Default: one for each core.")
    WORKER_MEMORY_BYTES: int = Field(4 * GIB, gt=0, description="The most memory one worker may use, in bytes.")
    MAX_ATTEMPTS: int = Field(3, gt=0, le=100, description="How often a file is tried before it counts as failed.")
    FILE_SECONDS: float = Field(0.5 * HOUR, gt=0, description="How long one attempt at a file may take.")
    TRANSFORM_SECONDS: float = Field(7 * DAY, gt=0, description="How long a transform may take in all.")
    CODE_GENERATION_SECONDS: float = Field(60.0, gt=0, description="How long the making of a program may take.")
    CODE_GENERATION_MEMORY_BYTES: int = Field(
        2 * GIB, gt=0, description="The most memory that making a program may use, in bytes.")
    DID_FINDER_DEFAULT_SCHEME: str = Field("file", description="The scheme of a DID that names none.")
    LOOKUP_SECONDS: float = Field(
        600.0, gt=0, description="How long a look-up by the server itself may take, and how long a finder elsewhere "
                                 "may be silent.")
    LOOKUP_ATTEMPTS: int = Field(3, gt=0, description="How often a look-up is begun before the dataset is given up.")
    DATASET_LIFETIME_SECONDS: float = Field(
        DAY, ge=0, description="How long what was found for a DID is used again. Local folders are always read anew.")
    PUBLISH_CHUNK: int = Field(1000, gt=0, description="How many files are put into a work queue at once.")
    PUBLISH_AHEAD: int = Field(
        10_000, gt=0, description="How many files wait in a transform's queue at the most; the others wait in the "
                                  "database.")
    CONTROLLER_SECONDS: float = Field(2.0, gt=0, description="How often the controller looks without being woken.")
    STALL_SECONDS: float = Field(
        300.0, gt=0, description="How long nothing may be heard of files handed out before they are handed out anew.")
    STALL_ROUNDS: int = Field(3, gt=0, description="How often that is done before such files count as failed.")
    THREADS: int = Field(16, gt=0, le=256, description="How many requests are served at once.")
    MAX_ACTIVE_TRANSFORMS: int = Field(
        100, gt=0, description="How many transforms have workers at once; those submitted later wait for their turn.")
    LOG_LEVEL: str = Field("INFO", description="What is logged: DEBUG, INFO, WARNING or ERROR.")
    CODE_GEN_SERVICE_URLS: dict[GeneratorName, ServiceUrl] = Field(
        default_factory=dict, description="Code generators that are services, name to URL. One that has the name of a "
                                          "built-in one takes its place.")
    CODE_GEN_IMAGES: dict[str, GeneratorImage] = Field(
        default_factory=dict, description="The images of these services, name to image; shown to clients, no more.")
    BUILTIN_SCIENCE_IMAGES: dict[str, GeneratorImage] = Field(
        default_factory=dict, description="The container images that programs of the built-in code generators run in, "
                                          "by generator. Without one, who submits has to name an image.")
    TRANSFORMER_CONVERTS_TO_PARQUET: bool = Field(
        False, description="Whether the transformers' sidecars make Parquet of ROOT files. Sidecars of 2024 hang when "
                           "the inputs are URLs. False: Parquet of a program that cannot write it is refused.")
    TRANSFORMER_VALIDATE_DOCKER_IMAGE: bool = Field(
        True, description="Whether registries are asked if the image of a transform exists.")
    IMAGE_CHECK_FAILS_OPEN: bool = Field(
        True, description="Whether an image passes about which its registry says nothing, or nothing to strangers.")
    ALLOWED_IMAGE_PREFIXES: list[ImagePrefix] = Field(
        default_factory=list,
        description="What the images of transforms begin with, in whole parts: docker.io/sslhep, ghcr.io/cms/analysis. "
                    "Generators' images too. Empty: any. Only registries named here may be at private addresses.")

    ADVERTISED_HOSTNAME: str = Field(
        "", description="host:port at which DID finders and transformers reach the server, by plain HTTP.")
    SECRET_KEY_FALLBACKS: list[str] = Field(
        default_factory=list, description="Earlier values of SECRET_KEY. The addresses that finders and transformers "
                                          "were handed under them hold as long as they stand here.")
    OPEN_INTERNAL_ROUTES: bool = Field(
        False, description="Whether finders and transformers may call back without the token in the address they are "
                           "handed. True is only for a site whose network keeps everybody else from these routes.")
    TRANSFORMER_SIDECAR_FORMATS: list[str] = Field(
        default_factory=lambda: ["parquet", "root-file"],
        description="The result formats that the transformer sidecar in use can deliver; others are refused.")
    RABBIT_MQ_URL: str = Field(
        "", description="The message broker, as amqp://user:password@host:port/vhost. Several with ; between them are "
                        "tried in turn. Empty: the queues are in the server's memory.")

    VALID_DID_SCHEMES: list[str] = Field(
        default_factory=list, description="The DID schemes that finders outside the server look up, each asked through "
                                          "the queue did_finder_<scheme>. They come before the built-in ones.")
    CERNOPENDATA_URL: str = Field(
        "https://opendata.cern.ch", description="The CERN Open Data portal, for cernopendata:// datasets. Empty: these "
                                                "are not looked up by the server itself.")
    RUCIO_CONFIG: str = Field(
        "", description="The path of a rucio.cfg, for rucio:// datasets; needs the package rucio-clients. Empty: these "
                        "are not looked up by the server itself.")
    OBJECT_STORE_ENABLED: bool = Field(
        True, description="Whether results may go to the object store (the destination `object-store`).")
    MINIO_URL: str = Field(
        "", description="host:port of the S3 store that keeps the results. Empty: they are kept in DATA_DIRECTORY.")
    MINIO_ENCRYPT: bool = Field(False, description="Whether the server uses TLS to reach MINIO_URL.")
    MINIO_ACCESS_KEY: str = Field(
        "", repr=False, description="The server's own access key at MINIO_URL; it never leaves the server.")
    MINIO_SECRET_KEY: str = Field("", repr=False, description="The secret key that belongs to it.")
    MINIO_REGION: str = Field("us-east-1", description="The region that the store at MINIO_URL is in.")
    SHARED_READ_ONLY_S3_KEYS: str = Field(
        "", repr=False, description="access:secret of an account at the store that may only read. Set: all clients get "
                                    "it and read at MINIO_PUBLIC_URL. Empty: they read through this server.")
    RESULTS_VOLUME: Path | None = Field(
        None, description="A folder that people have mounted too: the destination `volume`. Not set: there is none.")
    TRANSFORMER_PERSISTENCE_SUBDIR: str = Field(
        "output/", description="The folder within RESULTS_VOLUME below which each transform has its own.")
    GUNICORN_WORKERS: int = Field(
        2, gt=0, le=256, description="How many processes answer requests, of THREADS threads each (`serve`).")
    DATABASE_WAIT_SECONDS: float = Field(
        120.0, ge=0, description="How long a starting server waits for the database to answer, and again while "
                                 "another one migrates it (`serve`).")
    SHUTDOWN_SECONDS: float = Field(
        25.0, gt=0, description="How long a server that is told to end waits for what is under way (`serve`).")

    @field_validator("SECRET_KEY", "JWT_SECRET_KEY")
    @classmethod
    def _long_or_empty(cls, value: str) -> str:
        if value and len(value) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return value

    @field_validator("SECRET_KEY_FALLBACKS")
    @classmethod
    def _long(cls, value: list[str]) -> list[str]:
        if any(len(key) < SECRET_LENGTH for key in value):
            raise ValueError(f"each must have at least {SECRET_LENGTH} characters")
        return value

    @field_validator("MINIO_PUBLIC_URL", "MINIO_URL", "ADVERTISED_HOSTNAME")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value and not HOST_AND_PORT.fullmatch(value):
            raise ValueError("must be host:port, without http:// and without a path")
        return value

    @field_validator("RABBIT_MQ_URL", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return ";".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    @field_validator("CERNOPENDATA_URL")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not WEB_ADDRESS.fullmatch(value):
            raise ValueError("must be like https://opendata.cern.ch")
        return value

    @field_validator("SHARED_READ_ONLY_S3_KEYS")
    @classmethod
    def _access_and_secret(cls, value: str) -> str:
        if value and not S3_KEYS.fullmatch(value):
            raise ValueError("must be access:secret, each of at most 128 printable ASCII characters")
        return value

    @field_validator("TRANSFORMER_PERSISTENCE_SUBDIR")
    @classmethod
    def _below_the_volume(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/") or not value.isprintable():
            raise ValueError("must be a relative path without ..")
        return value

    @field_validator("LOG_LEVEL")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @model_validator(mode="after")
    def _results_have_a_place(self) -> "Settings":
        if not (self.OBJECT_STORE_ENABLED or self.RESULTS_VOLUME):
            raise ValueError("with OBJECT_STORE_ENABLED off, results need a RESULTS_VOLUME")
        if self.MINIO_URL and not (self.MINIO_ACCESS_KEY and self.MINIO_SECRET_KEY):
            raise ValueError("MINIO_URL needs MINIO_ACCESS_KEY and MINIO_SECRET_KEY")
        return self

    @model_validator(mode="after")
    def _clients_get_no_keys_of_ours(self) -> "Settings":
        shared = self.SHARED_READ_ONLY_S3_KEYS
        if not shared:
            if self.MINIO_URL and self.MINIO_PUBLIC_URL == self.MINIO_URL:
                raise ValueError("MINIO_PUBLIC_URL is the store itself, to which clients have no keys; leave it empty, "
                                 "or set SHARED_READ_ONLY_S3_KEYS")
            return self
        if not (self.MINIO_URL and self.MINIO_PUBLIC_URL):
            raise ValueError("SHARED_READ_ONLY_S3_KEYS needs MINIO_URL and MINIO_PUBLIC_URL")
        if shared.partition(":")[0] == self.MINIO_ACCESS_KEY:
            raise ValueError("SHARED_READ_ONLY_S3_KEYS must not be the server's own")
        return self

    @classmethod
    def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, ConfigFile(settings_cls)

    @property
    def embedded(self) -> bool:
        """Whether everything runs in one process, whose users share a machine with it."""
        return self.database_uri.startswith("sqlite")

    @property
    def database_uri(self) -> str:
        """Where the database is. SQLAlchemy takes `postgresql://` for another driver than the one we come with."""
        uri = self.SQLALCHEMY_DATABASE_URI or f"sqlite:///{self.DATA_DIRECTORY.absolute()}/servicex.sqlite"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", uri)


def load(**values: Any) -> Settings:
    """The settings, `values` before everything else. Raises InvalidSettings in words for the person who set them."""
    try:
        return Settings(**values)
    except ValidationError as error:
        faults = "; ".join(": ".join([*map(str, e["loc"][:1]), e["msg"]]) for e in error.errors())
        raise InvalidSettings(f"invalid settings: {faults}") from error
    except SettingsError as error:
        raise InvalidSettings(f"invalid settings: {error} (a list has to be JSON, like [\"a\", \"b\"], "
                              "and so has a dictionary, like {\"a\": \"b\"})") from error
