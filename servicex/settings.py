"""Every option of the server: its type, its default, one line of help.

A value comes from the environment, else from the file that APP_CONFIG_FILE names, else it is the default. The file is
Python, as Flask reads it (`NAME = value`), and is found relative to the package. Names that are no options are left
alone, so that the file of an existing deployment can be used as it stands.
"""
import os
import re
from pathlib import Path
from typing import Any

from flask import Config
from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from servicex.errors import ServiceXError

GIB = 1024 ** 3
MIB = 1024 ** 2
HOUR = 3600.0
DAY = 24 * HOUR
SECRET_LENGTH = 16
HOST_AND_PORT = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


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
        return {key: value for key, value in config.items() if key in self.settings_cls.model_fields}


class Settings(BaseSettings):
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
        False, description="Whether people need accounts. This version has none yet and refuses to start with True.")
    ALLOWED_HOSTS: list[str] = Field(
        default_factory=list, description="Names the server may be called by, besides those of the loopback address.")
    ALLOWED_PATHS: list[Path] = Field(
        default_factory=lambda: [Path(".")],
        description="Folders below which local files may be read. Relative paths start from the first of them.")
    MINIO_PUBLIC_URL: str = Field(
        "", description="host:port at which clients reach the results. Empty: where they reached the server.")
    MINIO_ENCRYPT_PUBLIC: bool = Field(
        False, description="Whether clients use TLS to reach the results at MINIO_PUBLIC_URL.")
    MAX_SELECTION_BYTES: int = Field(10 * MIB, gt=0, description="The largest selection taken, in bytes.")
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
    LOOKUP_SECONDS: float = Field(600.0, gt=0, description="How long the look-up of a dataset may take.")
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

    @field_validator("SECRET_KEY")
    @classmethod
    def _long_or_empty(cls, value: str) -> str:
        if value and len(value) < SECRET_LENGTH:
            raise ValueError(f"must have at least {SECRET_LENGTH} characters")
        return value

    @field_validator("MINIO_PUBLIC_URL")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value and not HOST_AND_PORT.fullmatch(value):
            raise ValueError("must be host:port, without http:// and without a path")
        return value

    @field_validator("LOG_LEVEL")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @classmethod
    def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, ConfigFile(settings_cls)

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
        faults = "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())
        raise InvalidSettings(f"invalid settings: {faults}") from error
    except SettingsError as error:
        raise InvalidSettings(f"invalid settings: {error} (a list has to be JSON, like [\"a\", \"b\"])") from error
