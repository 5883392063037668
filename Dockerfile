# The image: the program, the libraries that it loads, certificate authorities. No shell, no package manager.
# `docker build .` compiles it from the checkout; scripts/image puts the program in that is already built and tested.
# Its bytes follow from the checkout, the packages of BASE and SOURCE_DATE_EPOCH, which becomes the time of every file.
ARG BASE=docker.io/library/debian:trixie-slim
FROM ${BASE} AS files
ARG VERSION=0.1.0
ARG SOURCE_DATE_EPOCH=0
COPY . /src
RUN bash /src/scripts/image-files /out

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="etcd-snapshot" \
      org.opencontainers.image.description="Snapshots of etcd, proven, kept and restorable" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=files /out/ /
# Root unless the pod says otherwise: etcd's client key and /etc/kubernetes are root's. user 65532 (nonroot) runs what needs neither.
ENV PATH=/usr/bin
ENTRYPOINT ["/usr/bin/etcd-snapshot"]
CMD ["--help"]
