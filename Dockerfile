# Builds the server and packs it with nothing but its certificates. It needs DATABASE_URL and a JWT
# secret or key files; the embedded PostgreSQL is for trials outside a container.
#
#   docker build -t boost-dashboard .
#   docker run -p 8080:8080 -v workspace:/workspace \
#     -e DATABASE_URL=postgres://… -e BOOST_DASHBOARD_JWT_SECRET=… boost-dashboard

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock build.rs ./
# The dependencies alone, in a layer that changes with Cargo.lock only. rust-toolchain.toml is left
# out: the image's own toolchain is the one that is pinned.
RUN mkdir -p src tests/it benches \
    && echo 'fn main() {}' | tee src/main.rs tests/it/main.rs benches/main.rs >/dev/null \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY src src
COPY migrations migrations
COPY demo demo
# Newer than what the layer above has built of them.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home boost-dashboard \
    && install -d -o boost-dashboard /workspace
COPY --from=build /source/target/release/boost-dashboard /usr/local/bin/boost-dashboard
USER boost-dashboard
WORKDIR /
ENV BOOST_DASHBOARD_LISTEN=0.0.0.0:8080 BOOST_DASHBOARD_WORKSPACE=/workspace
VOLUME /workspace
EXPOSE 8080
# The signal that lets accepted requests finish.
STOPSIGNAL SIGTERM
ENTRYPOINT ["boost-dashboard"]
CMD ["serve"]
