# bigconst in a container; docs/packaging.md says how to run it.
#   docker build --tag bigconst .
FROM python:3.13-slim

COPY pyproject.toml README.md LICENSE /source/
COPY bigconst /source/bigconst
RUN pip install --no-cache-dir /source && rm -rf /source

# A new volume takes over the rights of the directory in the image: any --user may write there.
RUN useradd --uid 10001 --create-home bigconst \
    && install --directory --mode=1777 --owner=bigconst /data /scratch /cache
ENV XDG_CACHE_HOME=/cache PYTHONUNBUFFERED=1
USER bigconst
WORKDIR /data
VOLUME ["/data", "/scratch", "/cache"]

# A run saves what it has and ends with exit code 75.  That takes longer than the ten seconds docker waits: give
# --stop-timeout 120.
STOPSIGNAL SIGTERM
ENTRYPOINT ["bigconst"]
CMD ["--help"]
