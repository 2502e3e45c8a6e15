# One image for everything: the Prefect server, registration, workers, and the command line.
#   docker build -t remotesupport .
#   docker run --rm remotesupport remotesupport --help
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/
RUN python -m venv /opt/remotesupport \
    && /opt/remotesupport/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY . .
RUN /opt/remotesupport/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
# A fixed number, so that volumes and security contexts can name it.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /state app \
    && install --directory --owner app --group app --mode 0700 /state
COPY --from=build /opt/remotesupport /opt/remotesupport
ENV PATH=/opt/remotesupport/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REMOTESUPPORT_CONFIG=/config/remotesupport.toml \
    REMOTESUPPORT_HOME=/state
USER 10001:10001
WORKDIR /state
VOLUME /state
CMD ["remotesupport", "--help"]
