# One image for all: the embedded server, the server in production, and the worker that it starts on Kubernetes.
# BASE is a Python 3.11 on Debian or Ubuntu; requirements.lock was made with that version.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /build
RUN apt-get update && apt-get install -y --no-install-recommends binutils fonts-dejavu-core
RUN python3 -m venv /opt/servicex-app
ENV PATH="/opt/servicex-app/bin:$PATH"
COPY requirements.lock ./
RUN pip install --no-cache-dir --only-binary :all: --requirement requirements.lock
# Left out is what nothing here uses: tests, headers, the services of AWS but S3, Arrow's RPC, symbols for debuggers.
# `strip` ruins some libraries, so it has what it is worth most for, and everything is loaded once to see.
# Compiled modules stay: nobody could write them later, and every start would take seconds longer.
RUN cd /opt/servicex-app/lib/python3*/site-packages \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 -exec rm -rf {} + \
    && rm -rf pyarrow/include pyarrow/includes pyarrow/*flight* \
    && find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \) -delete \
    && find pyarrow sqlalchemy aiohttp -type f -name '*.so*' -exec strip --strip-unneeded {} + \
    && python3 -c "import awkward, boto3, gunicorn, pika, psycopg2, pyarrow.dataset, pyarrow.parquet, uproot, vector, XRootD.client; \
boto3.client('s3', region_name='us-east-1')"
COPY setup.py pyproject.toml README.rst ./
COPY servicex servicex
COPY migrations migrations
RUN pip install --no-cache-dir --no-deps . && pip check && pip uninstall --yes pip setuptools
COPY boot.sh docker-dev.conf /files/
# Whoever cloned the repository may have kept its files to themselves.
RUN chmod -R u=rwX,go=rX /files /opt/servicex-app && chmod a+x /files/boot.sh

FROM ${BASE}
ARG REVISION=""
LABEL org.opencontainers.image.title="ServiceX server" \
      org.opencontainers.image.description="Delivers columns of high energy physics data" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.version="2.0.0.dev0" \
      org.opencontainers.image.revision="$REVISION"
# `servicex` runs the server. On Kubernetes `transformer` runs the programs of users, and owns nothing.
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin servicex \
    && useradd --uid 1001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin transformer \
    && chmod 755 /home/servicex \
    && mkdir /data /sqlite \
    && chown servicex:servicex /sqlite
COPY --from=build /opt/servicex-app /opt/servicex-app
COPY --from=build /files /home/servicex
# For the words in plots that are downloaded as PNG.
COPY --from=build /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf /usr/share/fonts/truetype/dejavu/
ENV PATH="/opt/servicex-app/bin:$PATH" HOME=/home/servicex PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/servicex
USER 1000:1000
EXPOSE 5000
# There is no curl here. The first two minutes may go by with a database that is not up yet.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python3", "-I", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 5000, timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["./boot.sh"]
