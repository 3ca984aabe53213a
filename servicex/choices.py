"""Which implementation of each back end the settings ask for."""
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import limits
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string

from servicex.api import browser
from servicex.api.auth import TokenOptions, token_key
from servicex.api.cors import Invited
from servicex.api.guard import Outside, host_name
from servicex.api.limits import Limit, MemoryWindows, RateLimits, SharedWindows, Windows
from servicex.backends.broker.base import Broker
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.code_generator.base import CodeGenerator
from servicex.backends.code_generator.builtin import BuiltinCodeGenerator
from servicex.backends.code_generator.http import HttpCodeGenerator
from servicex.backends.did_finder.base import DidFinder, LookupSink
from servicex.backends.did_finder.builtin import BuiltinDidFinder
from servicex.backends.did_finder.queue import QueueDidFinder
from servicex.backends.did_finder.schemes import check_default_scheme, check_schemes
from servicex.backends.identity.base import Identity, IdentityProvider
from servicex.backends.image_check.base import ImageCheck
from servicex.backends.image_check.own_image import AllButImage, OnlyImage
from servicex.backends.image_check.image_name import AllowedImages
from servicex.backends.image_check.registries import Registries
from servicex.backends.image_check.registry_check import RegistryImageCheck
from servicex.backends.launcher.base import Launcher, ReportSink
from servicex.backends.launcher.elsewhere import TransformersElsewhere
from servicex.backends.launcher.local import LocalLauncher, WorkerLimits
from servicex.backends.launcher.local_work import InProcessWork
from servicex.backends.notifier.base import Notifier
from servicex.backends.notifier.mailgun import Mailgun
from servicex.backends.notifier.slack import SlackReplies, SlackWebhook
from servicex.backends.notifier.smtp import Smtp
from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.credentials import Credentials
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.result_store import ResultStore
from servicex.backends.results_volume import ResultsVolume
from servicex.capabilities import Capabilities, capability_keys
from servicex.codegen.catalogue import GENERATORS
from servicex.data_directory import secret_key
from servicex.processes import WarmParent
from servicex.services.accounts import AccountService
from servicex.services.notices import MAIL, SLACK, SLACK_REPLY
from servicex.services.sign_ins import AutoApproval, SignInService
from servicex.services.submissions import OBJECT_STORE, VOLUME
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings, Settings

LOCAL_SCHEME = "file"
# Counting requests is worth no more waiting.
STORAGE_SECONDS = 1.0


def check(settings: Settings) -> None:
    """Raise InvalidSettings for settings that do not go together."""
    if settings.RABBIT_MQ_URL and not settings.ADVERTISED_HOSTNAME:
        raise InvalidSettings("RABBIT_MQ_URL needs ADVERTISED_HOSTNAME: transformers and finders call back there.")
    if settings.VALID_DID_SCHEMES and not settings.RABBIT_MQ_URL:
        raise InvalidSettings("VALID_DID_SCHEMES needs RABBIT_MQ_URL: their finders are asked through it.")
    if settings.DEV_USERS and not settings.database_uri.startswith("sqlite:"):
        raise InvalidSettings("DEV_USERS lets people in without a password. It is for a server on a laptop, which has "
                              "its database in SQLite; this one has another.")
    if settings.TRANSFORMER_MANAGER_ENABLED:
        _check_cluster(settings)


def _check_cluster(settings: Settings) -> None:
    """Raise InvalidSettings for what transformers on a cluster cannot work with."""
    if not settings.RABBIT_MQ_URL:
        raise InvalidSettings("TRANSFORMER_MANAGER_ENABLED needs RABBIT_MQ_URL: transformers on a cluster take their "
                              "work from there.")
    if not (settings.TRANSFORMER_WORKER_IMAGE or settings.TRANSFORMER_SIDECAR_IMAGE):
        raise InvalidSettings("TRANSFORMER_MANAGER_ENABLED needs TRANSFORMER_WORKER_IMAGE, the image of this server, "
                              "or TRANSFORMER_SIDECAR_IMAGE for science images of others.")
    if settings.OBJECT_STORE_ENABLED and not settings.MINIO_URL:
        raise InvalidSettings("TRANSFORMER_MANAGER_ENABLED needs MINIO_URL: transformers on a cluster cannot reach "
                              "DATA_DIRECTORY. For results on a volume alone set OBJECT_STORE_ENABLED to False.")
    if settings.RESULTS_VOLUME and not settings.TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM:
        raise InvalidSettings("RESULTS_VOLUME needs TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM, by which transformers on a "
                              "cluster reach it.")


def broker(settings: Settings) -> Broker:
    """RabbitMQ if it is configured, else queues in the process's own memory."""
    if not settings.RABBIT_MQ_URL:
        return InProcessBroker()
    from servicex.backends.broker.rabbitmq import RabbitMqBroker
    return RabbitMqBroker(settings.RABBIT_MQ_URL)


def launcher(settings: Settings, queues: Broker, stores: Mapping[str, ResultStore], warm: WarmParent,
             reports: ReportSink) -> Launcher:
    """Workers on this machine for queues in memory; those of RabbitMQ are served on a cluster, or by others."""
    if not isinstance(queues, InProcessBroker):
        return cluster_launcher(settings) or TransformersElsewhere()
    return LocalLauncher(InProcessWork(queues), stores, warm, reports, settings.WORKERS,
                         settings.DATA_DIRECTORY.absolute(), worker_limits(settings))


def worker_limits(settings: Settings) -> WorkerLimits:
    """What our own workers may use, here and on a cluster."""
    return WorkerLimits(attempts=settings.MAX_ATTEMPTS, file_seconds=settings.FILE_SECONDS,
                        memory_bytes=settings.WORKER_MEMORY_BYTES)


def cluster_launcher(settings: Settings) -> Launcher | None:
    """The launcher of the cluster that the settings name; None if they name none. Raises InvalidSettings."""
    if not settings.TRANSFORMER_MANAGER_ENABLED:
        return None
    # Only here, since the client of Kubernetes takes its time and its memory.
    from servicex.backends.launcher.kubernetes.cluster import Cluster, connect
    from servicex.backends.launcher.kubernetes.launcher import KubernetesLauncher
    from servicex.cluster_options import cluster_options
    api = connect(internal=settings.TRANSFORMER_MANAGER_MODE == "internal-kubernetes")
    return KubernetesLauncher(Cluster(api, settings.TRANSFORMER_NAMESPACE), cluster_options(settings))


def object_store(settings: Settings) -> ObjectStore:
    """The S3 store at MINIO_URL, else files below DATA_DIRECTORY."""
    secret = secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY).encode()
    if not settings.MINIO_URL:
        return LocalObjectStore(settings.DATA_DIRECTORY.absolute() / "results", secret)
    return s3_store(settings, secret)


def s3_store(settings: Settings, secret: bytes) -> ObjectStore:
    """The S3 store at MINIO_URL, whose clients have credentials derived from `secret`."""
    # Only here, since boto3 takes its time and its memory.
    from servicex.backends.object_store.s3 import S3ObjectStore
    from servicex.backends.object_store.s3_client import S3Endpoint
    endpoint = S3Endpoint(settings.MINIO_URL, settings.MINIO_ENCRYPT, settings.MINIO_ACCESS_KEY,
                          settings.MINIO_SECRET_KEY, settings.MINIO_REGION)
    return S3ObjectStore(endpoint, secret)


def results_volume(settings: Settings) -> ResultsVolume | None:
    """The folders on RESULTS_VOLUME, if there is one."""
    if not settings.RESULTS_VOLUME:
        return None
    return ResultsVolume(settings.RESULTS_VOLUME.absolute() / settings.TRANSFORMER_PERSISTENCE_SUBDIR)


def result_stores(settings: Settings, objects: ObjectStore) -> dict[str, ResultStore]:
    """What takes results, by the destination that is asked for."""
    stores: dict[str, ResultStore] = {}
    if settings.OBJECT_STORE_ENABLED:
        stores[OBJECT_STORE] = objects
    if (volume := results_volume(settings)) is not None:
        stores[VOLUME] = volume
    return stores


def client_credentials(settings: Settings, objects: ObjectStore) -> Callable[[str], Credentials]:
    """What gives the credentials that the clients of a transform are told: their own, or those the site shares."""
    if not settings.SHARED_READ_ONLY_S3_KEYS:
        return objects.credentials
    shared = Credentials(*settings.SHARED_READ_ONLY_S3_KEYS.split(":", 1))
    return lambda bucket: shared


def code_generators(settings: Settings, warm: WarmParent, app_version: str) -> list[CodeGenerator]:
    """The built-in ones and, of names they share before them, those that are services of their own."""
    images = builtin_images(settings) if settings.RABBIT_MQ_URL else None
    builtin = BuiltinCodeGenerator(warm, app_version, settings.CODE_GENERATION_SECONDS,
                                   settings.CODE_GENERATION_MEMORY_BYTES, images)
    services = HttpCodeGenerator(settings.CODE_GEN_SERVICE_URLS, settings.CODE_GEN_IMAGES,
                                 settings.CODE_GENERATION_SECONDS, settings.TRANSFORMER_CONVERTS_TO_PARQUET)
    return [builtin, services]


def builtin_images(settings: Settings) -> dict[str, str]:
    """The images that programs of the built-in generators run in: our own, unless others are named."""
    ours = dict.fromkeys(GENERATORS, settings.TRANSFORMER_WORKER_IMAGE) if settings.TRANSFORMER_WORKER_IMAGE else {}
    return ours | settings.BUILTIN_SCIENCE_IMAGES


def generator_urls(settings: Settings, generators: Sequence[CodeGenerator]) -> dict[str, str]:
    """Where each code generator is, by name."""
    names = [name for generator in generators for name in generator.images()]
    return dict.fromkeys(names, "builtin") | settings.CODE_GEN_SERVICE_URLS


def did_finders(settings: Settings, sink: LookupSink, queues: Broker, tokens: Capabilities) -> list[DidFinder]:
    """The built-in finders and, of schemes they share before them, those asked through RabbitMQ.

    Raises InvalidSettings if a scheme cannot be one, or nobody serves the default.
    """
    allowed = [Path(path).absolute() for path in settings.ALLOWED_PATHS]
    finders: list[DidFinder] = [BuiltinDidFinder(
        sink, allowed, deadline=settings.LOOKUP_SECONDS, portal=settings.CERNOPENDATA_URL,
        rucio_config=settings.RUCIO_CONFIG)]
    if settings.VALID_DID_SCHEMES and not isinstance(queues, InProcessBroker):
        from servicex.backends.broker.rabbitmq import RabbitMqBroker
        assert isinstance(queues, RabbitMqBroker)
        check_schemes(settings.VALID_DID_SCHEMES)
        finders.append(QueueDidFinder(settings.VALID_DID_SCHEMES, queues.publish_lookup,
                                      partial(finder_endpoint, settings, tokens)))
    check_default_scheme(settings.DID_FINDER_DEFAULT_SCHEME, finders)
    return finders


def finder_endpoint(settings: Settings, tokens: Capabilities, dataset_id: int) -> str:
    """Below which URL a finder reports on a dataset: it adds the id itself, without a slash."""
    token = tokens.token("dataset", str(dataset_id))
    return f"http://{settings.ADVERTISED_HOSTNAME}/servicex/internal/{token}/transformation/"


def transformer_endpoint(settings: Settings, tokens: Capabilities, request_id: str) -> str:
    """Below which URL transformers report on a transform."""
    token = tokens.token("transform", request_id)
    return f"http://{settings.ADVERTISED_HOSTNAME}/servicex/internal/{token}/transformation/{request_id}"


def capabilities(settings: Settings) -> Capabilities:
    """The tokens in the addresses that finders and transformers are handed."""
    newest = secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY)
    return Capabilities(capability_keys([newest, *settings.SECRET_KEY_FALLBACKS]))


def token_options(settings: Settings) -> TokenOptions:
    """What tokens are signed with, and for how long they are good."""
    key = token_key(settings.JWT_SECRET_KEY, secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY))
    return TokenOptions(key, settings.JWT_ACCESS_TOKEN_EXPIRES, settings.JWT_REFRESH_TOKEN_EXPIRES)


def sign_ins(settings: Settings, transactions: Transactions, accounts: AccountService) -> SignInService:
    """What keeps browsers signed in."""
    rules = AutoApproval(tuple(domain.lower().lstrip("@") for domain in settings.AUTO_APPROVE_DOMAINS),
                         tuple(settings.AUTO_APPROVE_GROUPS))
    return SignInService(transactions, accounts, rules, settings.SESSION_SECONDS)


def cookie_keys(settings: Settings) -> list[str]:
    """What the cookies of browsers are signed with, the newest first."""
    newest = secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY)
    return [browser.cookie_key(secret) for secret in (newest, *settings.SECRET_KEY_FALLBACKS)]


def identity_providers(settings: Settings) -> list[IdentityProvider]:
    """Who signs people in: those that are configured, in the order in which people are offered them."""
    providers: list[IdentityProvider] = []
    if settings.GLOBUS_CLIENT_ID and settings.GLOBUS_CLIENT_SECRET:
        from servicex.backends.identity.globus import GlobusProvider
        providers.append(GlobusProvider(settings.GLOBUS_CLIENT_ID, settings.GLOBUS_CLIENT_SECRET))
    if settings.OIDC_PROVIDERS:
        from servicex.backends.identity.issuer import Issuer
        from servicex.backends.identity.oidc import OidcProvider
        providers += [OidcProvider(one, Issuer(one.issuer)) for one in settings.OIDC_PROVIDERS]
    if settings.DEV_USERS:
        from servicex.backends.identity.dev import DevProvider
        providers += [DevProvider(email, number) for number, email in enumerate(settings.DEV_USERS, 1)]
    return providers


def bearer_identity(settings: Settings) -> Callable[[str], Identity | None]:
    """What knows the access tokens that other issuers make for this server: gives None for a token of somebody else."""
    accepted = [one for one in settings.OIDC_PROVIDERS if one.audience]
    if not accepted:
        return lambda token: None
    from servicex.backends.identity.bearer import BearerTokens
    from servicex.backends.identity.issuer import Issuer
    return BearerTokens([(one, Issuer(one.issuer)) for one in accepted]).identity


def notifiers(settings: Settings) -> dict[str, Notifier]:
    """What tells people and services outside, by channel."""
    found: dict[str, Notifier] = {}
    if settings.SIGNUP_WEBHOOK_URL:
        found[SLACK] = SlackWebhook(settings.SIGNUP_WEBHOOK_URL)
    if settings.SLACK_SIGNING_SECRET:
        found[SLACK_REPLY] = SlackReplies()
    if settings.SMTP_URL:
        found[MAIL] = Smtp(settings.SMTP_URL, settings.MAIL_FROM)
    elif settings.MAILGUN_API_KEY and settings.MAILGUN_DOMAIN:
        sender = settings.MAIL_FROM or f"ServiceX <noreply@{settings.MAILGUN_DOMAIN}>"
        found[MAIL] = Mailgun(settings.MAILGUN_URL, settings.MAILGUN_DOMAIN, settings.MAILGUN_API_KEY, sender)
    return found


def slack_signed(settings: Settings) -> Callable[[bytes, Mapping[str, str]], bool] | None:
    """What knows whether a body, with its headers, comes from Slack; None if there is no Slack app."""
    if not settings.SLACK_SIGNING_SECRET:
        return None
    # Only here, since Slack's SDK takes its time and its memory.
    from servicex.backends.slack_signature import SlackSignature
    return SlackSignature(settings.SLACK_SIGNING_SECRET)


def versions(settings: Settings, app_version: str) -> dict[str, str]:
    """The versions that are known of the parts of the deployment, by what people call these."""
    named = {"App": settings.APP_IMAGE_TAG or app_version, "DID Finder Rucio": settings.DID_RUCIO_FINDER_TAG,
             "DID Finder CERN Open Data": settings.DID_CERNOPENDATA_FINDER_TAG}
    return {"ServiceX": settings.CHART or app_version} | {name: tag for name, tag in named.items() if tag}


def readable_folders(settings: Settings) -> list[Path]:
    """The folders of this machine whose files transforms can read; none where they run elsewhere."""
    return [] if settings.RABBIT_MQ_URL else [Path(path).absolute() for path in settings.ALLOWED_PATHS]


def outside(settings: Settings) -> Outside:
    """By which names the server goes, and which pages of other origins may use it."""
    invited = Invited(frozenset(settings.CORS_ALLOWED_ORIGINS), all_to_public=settings.ENABLE_AUTH)
    return Outside([*settings.ALLOWED_HOSTS, host_name(settings.ADVERTISED_HOSTNAME)], settings.PUBLIC_URL, invited)


def rate_limits(settings: Settings) -> RateLimits | None:
    """How often one user or address may ask for what; None for a single person on their own machine."""
    if settings.embedded and not settings.ENABLE_AUTH:
        return None
    rates = {Limit.SIGN_IN: settings.RATE_LIMIT_SIGN_IN, Limit.TOKEN: settings.RATE_LIMIT_TOKEN,
             Limit.SUBMIT: settings.RATE_LIMIT_SUBMIT}
    return RateLimits({limit: limits.parse(rate) for limit, rate in rates.items()}, _windows(settings))


def _windows(settings: Settings) -> Windows:
    if settings.RATE_LIMIT_STORAGE.startswith("memory:"):
        return MemoryWindows()
    try:
        storage = storage_from_string(settings.RATE_LIMIT_STORAGE, wrap_exceptions=True,
                                      socket_connect_timeout=STORAGE_SECONDS, socket_timeout=STORAGE_SECONDS)
        return SharedWindows(cast(Storage, storage))
    except (ConfigurationError, ValueError) as error:
        raise InvalidSettings(f"RATE_LIMIT_STORAGE cannot be used: {error}") from error


def image_check(settings: Settings) -> ImageCheck | None:
    """What checks container images; None where workers are no containers. The server's own is the operator's affair."""
    if not settings.RABBIT_MQ_URL:
        return None
    own = settings.TRANSFORMER_WORKER_IMAGE
    if settings.TRANSFORMER_MANAGER_ENABLED and not settings.TRANSFORMER_SIDECAR_IMAGE:
        return OnlyImage(own)
    allowed = AllowedImages(settings.ALLOWED_IMAGE_PREFIXES)
    registries = Registries(allowed.registries) if settings.TRANSFORMER_VALIDATE_DOCKER_IMAGE else None
    others = RegistryImageCheck(allowed, registries, settings.IMAGE_CHECK_FAILS_OPEN)
    return AllButImage(own, others) if own else others


def deliverable_formats(settings: Settings, image: str) -> Collection[str] | None:
    """The result formats that transformers of this image can deliver; None stands for all, as our own workers can."""
    ours = not settings.RABBIT_MQ_URL or image == settings.TRANSFORMER_WORKER_IMAGE
    return None if ours else settings.TRANSFORMER_SIDECAR_FORMATS


def lookup_lifetime(settings: Settings, scheme: str) -> float:
    """Seconds for which a look-up may be used again. Local folders change under their owner's hands: not at all."""
    return 0.0 if scheme == LOCAL_SCHEME else settings.DATASET_LIFETIME_SECONDS
