# syntax=docker/dockerfile:1
# One image for all programs of the installation: migrate, workers, beat, Flower, the mail catcher, `ill`.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/ill
WORKDIR /src
COPY requirements.lock ./
RUN /opt/ill/bin/pip install --require-hashes --only-binary=:all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY state_machines ./state_machines
COPY ill_workflow ./ill_workflow
COPY workers ./workers
RUN /opt/ill/bin/pip install --no-deps . && /opt/ill/bin/pip uninstall --yes pip && /opt/ill/bin/ill --help

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ill_workflow" \
      org.opencontainers.image.description="An engine for interlibrary loan" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 ill \
    && useradd --uid 10001 --gid ill --no-create-home --home-dir /data --shell /usr/sbin/nologin ill \
    && install --directory --owner=ill --group=ill --mode=0700 /data /mails
COPY --from=build /opt/ill /opt/ill
ENV PATH=/opt/ill/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ILL_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/mails"]
STOPSIGNAL SIGTERM
# Each service says in docker-compose.yml how it is looked after; by itself the image holds no program that stays up.
HEALTHCHECK NONE
CMD ["ill", "--help"]
