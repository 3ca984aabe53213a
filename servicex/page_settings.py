"""The options of pages and of what keeps them up to date; they are options of the server like all others."""
import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

# What stands in a header must not end what it stands in.
FRAMED = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")


class PageSettings(BaseSettings):
    """What pages show of what is around the server, and how many are kept up to date at once."""

    MOST_STREAMS: int = Field(
        500, ge=0, le=5000, description="How many streams of live updates, and requests that wait for a change, each "
                                        "process holds beside THREADS other requests. Beyond, pages ask now and then.")
    STREAM_HEARTBEAT_SECONDS: float = Field(
        15.0, gt=0, le=300, description="How often a stream in which nothing happens is written to, so that proxies "
                                        "keep it and clients that went away are noticed.")
    MONITOR_URL: str = Field(
        "", description="The https address of a page that shows how the cluster is; it appears on /monitor. Empty: "
                        "there is none.")
    LOGS_URL: str = Field(
        "", description="The https address of a page with the logs of server and transformers; it appears on /logs, "
                        "and clients are told it. Empty: there is none.")
    CHART: str = Field("", description="The version of the Helm chart that installed the server; /about shows it.")
    APP_IMAGE_TAG: str = Field("", description="The tag of the server's image; /about shows it.")
    DID_RUCIO_FINDER_TAG: str = Field("", description="The tag of the Rucio DID finder's image; /about shows it.")
    DID_CERNOPENDATA_FINDER_TAG: str = Field(
        "", description="The tag of the CERN Open Data DID finder's image; /about shows it.")

    @field_validator("MONITOR_URL", "LOGS_URL")
    @classmethod
    def _can_be_framed(cls, value: str) -> str:
        if value and not FRAMED.fullmatch(value):
            raise ValueError("must be an https:// address")
        return value

    @property
    def frames(self) -> list[str]:
        """The origins of pages that ours show within themselves."""
        addresses = [urlsplit(url) for url in (self.MONITOR_URL, self.LOGS_URL) if url]
        return list(dict.fromkeys(f"{one.scheme}://{one.netloc}" for one in addresses))
