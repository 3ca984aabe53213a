FROM python:3.11-slim AS build
WORKDIR /build
RUN python3 -m venv /opt/servicex-app
COPY setup.py pyproject.toml README.rst ./
COPY servicex servicex
COPY migrations migrations
RUN /opt/servicex-app/bin/pip install --no-cache-dir .

FROM python:3.11-slim
ARG UID=1000
RUN useradd --uid "$UID" --create-home servicex && mkdir /data
COPY --from=build /opt/servicex-app /opt/servicex-app
COPY boot.sh docker-dev.conf /home/servicex/
ENV PATH="/opt/servicex-app/bin:$PATH" PYTHONUNBUFFERED=1
WORKDIR /home/servicex
USER servicex
EXPOSE 5000
ENTRYPOINT ["./boot.sh"]
