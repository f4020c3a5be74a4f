# One image for every process of the shop; compose.yaml and deploy/kubernetes start it with different commands.
# TORCH_INDEX picks the build of torch (an index with CPU builds makes the image some gigabytes smaller).
FROM python:3.11-slim-bookworm AS build
ARG TORCH="torch==2.14.1 torchvision==0.29.1"
ARG TORCH_INDEX=""
ARG EXTRAS="cpu,postgres,redis"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
RUN pip install ${TORCH} ${TORCH_INDEX:+--index-url ${TORCH_INDEX}}
COPY . .
RUN pip install -c constraints.txt -e ".[${EXTRAS}]" && python -m compileall -q catalog search recommend workers platform

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore for backups; libgomp for LightGBM.
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client libgomp1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data vetrina \
 && install -d -o vetrina -g vetrina /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# Threads of one process share two heaps of the C library: with one for each, memory that is freed is spread too thin
# to be given back, and the processes grow for hours.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    VETRINA_MODE=production \
    VETRINA_HOME=/data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "deploy/healthcheck.py"]
CMD ["gunicorn", "vetrina.wsgi", "--config", "python:vetrina.gunicorn", "--bind", "0.0.0.0:8000"]
