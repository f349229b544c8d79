# One image for `tradewind serve`, `schedule`, `migrate` and `run`.
FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/tradewind
WORKDIR /src
COPY . .
# The documentation site is built into the package before that is installed.
RUN python -m venv /opt/docs \
    && /opt/docs/bin/python -m pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt zensical \
    && /opt/docs/bin/zensical build --strict
RUN /opt/tradewind/bin/python -m pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt '.[cluster]'

FROM python:3.11-slim-bookworm
# Pango draws the text of PDF reports.
RUN apt-get update && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="Tradewind" \
    org.opencontainers.image.description="Forecasts of a country's monthly goods trade, with intervals and a track record" \
    org.opencontainers.image.version=$VERSION \
    org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/tradewind tradewind
COPY --from=build /opt/tradewind /opt/tradewind
# One numerical thread a process: the cores are for worker processes.
ENV PATH=/opt/tradewind/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    TRADEWIND_HOST=0.0.0.0 \
    TRADEWIND_PORT=8000 \
    TRADEWIND_DATA_DIR=/var/lib/tradewind/data
USER 10001
WORKDIR /var/lib/tradewind
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"TRADEWIND_PORT\"]}/live', timeout=4)"]
ENTRYPOINT ["tradewind"]
CMD ["serve"]
